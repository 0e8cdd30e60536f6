"""The Comet logger, on offline experiments."""

from __future__ import annotations

import importlib
import inspect
import json
import pickle
import subprocess
import sys
import warnings
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.api import rank_zero
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import Runner, TinyModule
from leyden_logger_comet import CometLogger

QUIET = {"log_env_details": False, "parse_args": False, "log_code": False, "log_git_metadata": False}


def make(tmp_path: Path, **arguments: Any) -> CometLogger:
    given = {"online": False, "offline_directory": str(tmp_path), "project": "p", "mode": "create", **QUIET}
    return CometLogger(**{**given, **arguments})


def messages(logger: CometLogger, kind: str) -> list[dict[str, Any]]:
    """End the experiment, and read what its archive holds of a kind."""
    logger.experiment.end()
    (path,) = Path(str(logger.save_dir)).glob(f"{logger.version}*.zip")
    lines = [json.loads(line) for line in zipfile.ZipFile(path).read("messages.json").splitlines()]
    return [line["payload"] for line in lines if line["type"] == kind]


def everything(logger: CometLogger) -> set[tuple[str, float]]:
    """Names and values of the metrics in all archives of a logger."""
    found = set()
    for path in Path(str(logger.save_dir)).glob(f"{logger.version}*.zip"):
        lines = [json.loads(line) for line in zipfile.ZipFile(path).read("messages.json").splitlines()]
        logged = [line["payload"]["metric"] for line in lines if line["type"] == "metric_msg"]
        found |= {(one["metricName"], one["metricValue"]) for one in logged}
    return found


def metrics(logger: CometLogger) -> list[tuple[Any, ...]]:
    found = [one["metric"] for one in messages(logger, "metric_msg")]
    return [(one["metricName"], one["metricValue"], one.get("step"), one.get("epoch")) for one in found]


def test_nothing_is_created_and_comet_not_imported_by_the_constructor(tmp_path: Path) -> None:
    program = (
        "import sys; from leyden.loggers import CometLogger; CometLogger(); print('comet_ml' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


def test_metrics_steps_and_prefix(tmp_path: Path) -> None:
    logger = make(tmp_path, prefix="x")
    logger.log_metrics({"a": 1.0, "b": torch.tensor(2.0), "epoch": 4}, 3)
    assert metrics(logger) == [("x_a", 1.0, 3, 4), ("x_b", 2.0, 3, 4)]


def test_an_archive_is_written_where_the_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    logger = make(tmp_path, offline_directory="comet")
    logger.start()
    monkeypatch.chdir(tmp_path / "elsewhere")
    logger.experiment.end()
    assert len(list((tmp_path / "comet").glob("*.zip"))) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nothing_is_lost_when_loggers_take_turns(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)
    for turn in range(3):
        first.log_metrics({"a": float(turn)}, turn)
        second.log_metrics({"b": float(turn)}, turn)
    for logger in (first, second):
        logger.finalize("success")
        logger.experiment.end()
    assert everything(first) == {("a", 0.0), ("a", 1.0), ("a", 2.0)}
    assert everything(second) == {("b", 0.0), ("b", 1.0), ("b", 2.0)}


def test_hyper_parameters_and_graph(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.log_hyperparams({"a": 1, "b": {"c": 2}, "f": len})
    logger.log_hyperparams(Namespace(d="x"))
    logger.log_graph(TinyModule())
    found = messages(logger, "parameter_msg")
    values = {one["param"]["paramName"]: one["param"]["paramValue"] for one in found}
    assert values == {"a": 1, "b|c": 2, "f": "builtins.len", "d": "x"}
    (path,) = tmp_path.glob("*.zip")
    assert "TinyModule" in zipfile.ZipFile(path).read("messages.json").decode()


@pytest.mark.parametrize("fail_in", ["", "validation_step"])
def test_a_run(tmp_path: Path, leyden_run: Runner, fail_in: str) -> None:
    logger = make(tmp_path)
    module = TinyModule(fail_in=fail_in) if fail_in else TinyModule()
    outcome = leyden_run(module=module, logger=logger, log_every_n_steps=1, num_sanity_val_steps=0)
    assert (outcome.exception is not None) == bool(fail_in)
    assert [one[2:] for one in metrics(logger) if one[0] == "train_loss"] == [(0, 0), (1, 0)]


def test_a_chosen_axis_is_the_step(tmp_path: Path, leyden_run: Runner) -> None:
    class Module(TinyModule):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("by_batch", 1.0, axis="batch")
            return super().training_step(batch, batch_idx)

    logger = make(tmp_path)
    leyden_run(module=Module(), logger=logger, log_every_n_steps=1).ok()
    assert [one[2] for one in metrics(logger) if one[0] == "by_batch"] == [1, 2]


def test_the_copy_of_a_logger_names_the_same_experiment(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.start()
    copy = pickle.loads(pickle.dumps(logger))
    assert (copy.name, copy.version, copy.save_dir) == (logger.name, logger.version, logger.save_dir)
    assert logger.version
    logger.experiment.end()


def test_old_names(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match=r"\[comet-renamed\]"):
        logger = CometLogger(
            experiment_name="n",
            project_name="old",
            offline=True,
            save_dir=str(tmp_path),
            mode="create",
            **QUIET,
        )
    assert (logger.name, logger.save_dir) == ("old", str(tmp_path))
    logger.log_metrics({"a": 1.0}, 0)
    assert logger.experiment.get_name() == "n"
    assert metrics(logger) == [("a", 1.0, 0, None)]


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    try:
        logger = make(tmp_path)
        logger.start()
        logger.log_metrics({"a": 1.0}, 0)
        logger.experiment.log_text("x")
        logger.finalize("success")
    finally:
        rank_zero.set_rank(before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"mode": "new"}, "mode"),
        ({"online": "no"}, "online"),
        ({"prefix": 3}, "prefix"),
        ({"project": 3}, "project"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}=.*allowed is"):
        CometLogger(**arguments)


def test_unknown_arguments_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(ArgumentTypeError, match="nmae"):
        make(tmp_path, nmae="x").start()


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^project_name='b'"):
        CometLogger(project="a", project_name="b")


def test_the_arguments_are_those_of_lightning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = importlib.import_module("pytorch_lightning.loggers").CometLogger
    assert [(name, one.default, one.kind) for name, one in inspect.signature(theirs).parameters.items()] == [
        (name, one.default, one.kind) for name, one in inspect.signature(CometLogger).parameters.items()
    ]
