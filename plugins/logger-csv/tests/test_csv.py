from __future__ import annotations

import copy
import csv
import os
import pickle
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from leyden.api import rank_zero
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_logger_csv import CSVLogger
from leyden_logger_csv.metrics_file import MetricsFile


def rows(logger: CSVLogger) -> list[dict[str, str]]:
    path = Path(logger.log_dir, "metrics.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file)) if path.exists() else []


@pytest.fixture
def second_rank() -> Iterator[None]:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    yield
    rank_zero.set_rank(before)


def test_files_and_folders(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, name="mine", version=7)
    assert list(tmp_path.iterdir()) == []
    logger.log_metrics({"loss": 1.5, "epoch": 0}, step=3)
    logger.log_hyperparams({"lr": 0.1})
    logger.finalize("success")
    assert logger.save_dir == str(tmp_path)
    assert logger.root_dir == str(tmp_path / "mine")
    assert logger.log_dir == str(tmp_path / "mine" / "version_7")
    assert (logger.name, logger.version) == ("mine", 7)
    assert Path(logger.log_dir, "metrics.csv").read_text() == "epoch,loss,step\n0,1.5,3\n"
    assert yaml.safe_load(Path(logger.log_dir, "hparams.yaml").read_text()) == {"lr": 0.1}
    assert sorted(path.name for path in Path(logger.log_dir).iterdir()) == ["hparams.yaml", "metrics.csv"]


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_means_no_folder(tmp_path: Path, name: str | None) -> None:
    assert CSVLogger(tmp_path, name=name, version="fold/1").log_dir == str(tmp_path / "fold" / "1")
    assert CSVLogger(tmp_path, name=name).name == ""


def test_later_columns_keep_earlier_rows(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, flush_logs_every_n_steps=1)
    logger.log_metrics({"b": 'a "quoted", text\nof two lines'}, 0)
    logger.log_metrics({"a": 1}, 1)
    logger.log_metrics({"c": float("nan"), "a": float("-inf")}, 2)
    assert rows(logger) == [
        {"a": "", "b": 'a "quoted", text\nof two lines', "c": "", "step": "0"},
        {"a": "1", "b": "", "c": "", "step": "1"},
        {"a": "-inf", "b": "", "c": "nan", "step": "2"},
    ]


def test_known_columns_are_appended_without_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = CSVLogger(tmp_path, flush_logs_every_n_steps=1)
    logger.log_metrics({"a": 0, "b": 0}, 0)
    monkeypatch.setattr(os, "replace", None)
    node = Path(logger.log_dir, "metrics.csv").stat().st_ino
    for step in range(1, 20):
        logger.log_metrics({"b": step}, step)
    assert Path(logger.log_dir, "metrics.csv").stat().st_ino == node
    assert [row["b"] for row in rows(logger)] == [str(step) for step in range(20)]


@pytest.mark.parametrize(
    ("every", "steps", "written"),
    [
        (1, [0, 0, 1, 5], [1, 2, 3, 4]),
        (3, [0, 1, 2, 3, 4, 5], [0, 0, 3, 3, 3, 6]),
        (100, [49, 99, 149], [0, 2, 2]),
        (100, [30, 60, 130, 160], [0, 0, 3, 3]),
    ],
)
def test_the_flush_interval(tmp_path: Path, every: int, steps: list[int], written: list[int]) -> None:
    logger = CSVLogger(tmp_path, flush_logs_every_n_steps=every)
    logger.log_metrics({"a": 0}, 0 if every > 1 else None)
    logger.save()
    found = []
    for step in steps:
        logger.log_metrics({"a": 1}, step)
        found.append(len(rows(logger)) - 1)
    assert found == written


def test_rows_without_a_step_are_counted(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    for step in (None, None, 10, None):
        logger.log_metrics({"a": 1}, step)
    logger.save()
    assert [row["step"] for row in rows(logger)] == ["0", "1", "10", "11"]


def test_values_of_all_kinds(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    logger.log_metrics({"tensor": torch.tensor([0.5]), "dict": {"x": {"y": 2}}, "flag": True}, 0)
    logger.save()
    assert rows(logger) == [{"dict/x/y": "2", "flag": "True", "step": "0", "tensor": "0.5"}]
    with pytest.raises(ArgumentTypeError, match=r"metrics\['pair'\].*one element"):
        logger.log_metrics({"pair": torch.zeros(2)}, 1)


def test_the_prefix(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, prefix="run1")
    logger.log_metrics({"a": 1, "epoch": 0}, 5)
    logger.save()
    assert rows(logger) == [{"run1-a": "1", "run1-epoch": "0", "step": "5"}]


def record(**changes: Any) -> Record:
    given = {"metrics": {"a": 1.0, "b": 2.0}, "step": 9, "epoch": 3, "batch": 20, "phase": "train"}
    return Record(**{**given, **changes})


def test_a_record_carries_batch_and_phase_when_asked(tmp_path: Path) -> None:
    plain, full = CSVLogger(tmp_path), CSVLogger(tmp_path, batch_and_phase=True)
    for logger in (plain, full):
        logger.log_record(record())
        logger.save()
    assert rows(plain) == [{"a": "1.0", "b": "2.0", "epoch": "3", "step": "9"}]
    assert rows(full) == [{**rows(plain)[0], "batch": "20", "phase": "train"}]


def test_a_record_without_an_epoch(tmp_path: Path) -> None:
    plain, full = CSVLogger(tmp_path), CSVLogger(tmp_path, batch_and_phase=True)
    for logger in (plain, full):
        logger.log_record(record(with_epoch=False))
        logger.save()
    assert rows(plain) == [{"a": "1.0", "b": "2.0", "step": "9"}]
    assert rows(full) == [{**rows(plain)[0], "epoch": "3", "batch": "20", "phase": "train"}]


def test_metrics_have_axes_of_their_own(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    logger.log_record(record(metrics={"a": 1.0, "b": 2.0, "c": 3.0}, axes={"b": 3, "c": 3}))
    logger.save()
    assert rows(logger) == [
        {"a": "1.0", "b": "", "c": "", "epoch": "3", "step": "9"},
        {"a": "", "b": "2.0", "c": "3.0", "epoch": "3", "step": "3"},
    ]


def test_a_metric_called_epoch_is_the_users(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    logger.log_record(record(metrics={"epoch": 0.5}))
    logger.save()
    assert rows(logger) == [{"epoch": "0.5", "step": "9"}]


def test_a_version_that_exists_is_continued(tmp_path: Path) -> None:
    for value in (1, 2):
        logger = CSVLogger(tmp_path, version="mine")
        logger.log_metrics({"a": value}, 0)
        logger.log_hyperparams({"value": value})
        logger.finalize("success")
    again = CSVLogger(tmp_path, version="mine")
    again.log_metrics({"b": 3}, 1)
    again.save()
    assert [(row["a"], row["b"]) for row in rows(again)] == [("1", ""), ("2", ""), ("", "3")]
    assert yaml.safe_load(Path(again.log_dir, "hparams.yaml").read_text()) == {"value": 2}


def test_half_a_row_is_not_continued(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "metrics.csv").write_text("a,step\n1,0\n2")
    logger = CSVLogger(tmp_path, name=None, version="v")
    logger.log_metrics({"a": 3}, 2)
    logger.log_metrics({"z": 4}, 3)
    logger.save()
    assert [row["a"] for row in rows(logger)] == ["1", "2", "3", ""]


@pytest.mark.parametrize("content", [b"name,value\n1,2\n", b"\xff\xfe\x00"])
def test_files_of_others_are_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "metrics.csv").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"metrics\.csv.*Move it away"):
        CSVLogger(tmp_path, name=None, version="v").start()


def test_a_failing_disk_leaves_no_half_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append([{"step": 0}])

    def full(writer: Any, rows: Any) -> None:
        writer.writer.writerow(["half"] * 5000)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(csv.DictWriter, "writerows", full)
        with pytest.raises(OSError, match="No space"):
            file.append([{"step": 1}])
    file.append([{"step": 1}])
    assert file.path.read_text() == "step\n0\n1\n"


def test_a_failing_disk_keeps_the_old_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append([{"step": 0}])

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space"):
            file.append([{"step": 1, "new": 2}])
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]
    file.append([{"step": 1, "new": 2}])
    assert file.path.read_text() == "new,step\n,0\n2,1\n"


@pytest.mark.parametrize("ending", ["", "raise ValueError('boom')", "sys.exit(3)", "del logger"])
def test_nothing_is_lost_without_finalize(tmp_path: Path, ending: str) -> None:
    program = f"""
import sys
from leyden_logger_csv import CSVLogger
logger = CSVLogger({str(tmp_path)!r})
for step in range(5):
    logger.log_metrics({{"a": step}}, step)
{ending}
"""
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    lines = (tmp_path / "lightning_logs" / "version_0" / "metrics.csv").read_text().splitlines()
    assert lines == ["a,step", *(f"{step},{step}" for step in range(5))]


def test_a_folder_that_is_gone_is_no_trouble_at_the_end(tmp_path: Path) -> None:
    program = f"""
import shutil
from leyden_logger_csv import CSVLogger
logger = CSVLogger({str(tmp_path / "logs")!r})
logger.log_metrics({{"a": 1}}, 0)
shutil.rmtree({str(tmp_path / "logs")!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_changed_working_directory_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    logger = CSVLogger("logs", flush_logs_every_n_steps=1)
    logger.log_metrics({"a": 1}, 0)
    monkeypatch.chdir(tmp_path / "elsewhere")
    logger.log_metrics({"a": 2, "b": 2}, 1)
    logger.log_hyperparams({"lr": 1})
    logger.finalize("success")
    assert logger.log_dir == str(Path("logs", "lightning_logs", "version_0"))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    content = (tmp_path / logger.log_dir / "metrics.csv").read_text()
    assert content == "a,b,step\n1,,0\n2,2,1\n"


def test_the_experiment(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    experiment = logger.experiment
    experiment.log_metrics({"a": torch.tensor(1.0)}, step=4)
    experiment.log_hparams({"lr": 0.1})
    assert experiment is logger.experiment
    assert experiment.metrics == [{"a": 1.0, "step": 4}]
    assert experiment.hparams == {"lr": 0.1}
    experiment.save()
    assert experiment.metrics == []
    assert experiment.metrics_keys == ["a", "step"]
    assert Path(experiment.metrics_file_path).read_text() == "a,step\n1.0,4\n"


def test_hyper_parameters_come_together(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    logger.log_hyperparams({"lr": 0.1, "nested": {"sizes": (1, 2)}})
    logger.log_hyperparams(Namespace(depth=3))
    logger.log_hyperparams(None)
    saved = yaml.safe_load(Path(logger.log_dir, "hparams.yaml").read_text())
    assert saved == {"lr": 0.1, "nested": {"sizes": [1, 2]}, "depth": 3}


@pytest.mark.usefixtures("second_rank")
def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    logger.log_metrics({"a": 1}, 0)
    logger.log_hyperparams({"lr": 1})
    logger.experiment.log_hparams({"lr": 1})
    assert logger.experiment.log_metrics({"a": 1}, 5) == 5
    assert (logger.experiment.metrics, logger.experiment.metrics_keys) == ([], [])
    logger.experiment.save()
    logger.save()
    logger.finalize("success")
    assert logger.version == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda logger: pickle.loads(pickle.dumps(logger))])
def test_copies_go_on_in_the_same_folder(tmp_path: Path, duplicate: Any) -> None:
    logger = CSVLogger(tmp_path)
    logger.log_metrics({"a": 1}, 0)
    logger.save()
    other = duplicate(logger)
    other.log_metrics({"a": 2}, 1)
    other.finalize("success")
    logger.finalize("success")
    assert [row["a"] for row in rows(logger)] == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"flush_logs_every_n_steps": 0}, "flush_logs_every_n_steps"),
        ({"flush_logs_every_n_steps": -5}, "flush_logs_every_n_steps"),
        ({"flush_logs_every_n_steps": 1.5}, "flush_logs_every_n_steps"),
        ({"flush_logs_every_n_steps": True}, "flush_logs_every_n_steps"),
        ({"prefix": 3}, "prefix"),
        ({"name": "../.."}, "name"),
        ({"version": -1}, "version"),
        ({"save_dir": "s3://bucket/logs"}, "save_dir"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}=.*allowed is"):
        CSVLogger(**{"save_dir": tmp_path, **arguments})
    assert list(tmp_path.iterdir()) == []
