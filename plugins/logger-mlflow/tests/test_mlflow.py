"""The MLflow logger on local stores."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import threading
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.api import rank_zero
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import Runner, TinyModule
from leyden_delivery import DeliveryError, read, resend
from leyden_logger_mlflow import MLFlowLogger
from leyden_logger_mlflow.records import staged


def history(logger: Any, name: str) -> list[tuple[int, float]]:
    """Step and value of each point."""
    points = logger.experiment.get_metric_history(logger.run_id, name)
    return [(one.step, one.value) for one in points]


def status(logger: Any) -> str:
    return str(logger.experiment.get_run(logger.run_id).info.status)


def make(save_dir: str, **arguments: Any) -> MLFlowLogger:
    return MLFlowLogger(**{"tracking_uri": None, "save_dir": save_dir, **arguments})


def test_nothing_is_created_and_mlflow_not_imported_by_the_constructor(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys; from leyden.loggers import MLFlowLogger; MLFlowLogger(); print('mlflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


def test_metrics_go_in_batches(save_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = make(save_dir)
    logger.start()
    sizes = []
    log_batch = logger.experiment.log_batch

    def counted(run_id: str, metrics: Any = (), **keywords: Any) -> None:
        sizes.append(len(metrics))
        log_batch(run_id, metrics=metrics, **keywords)

    monkeypatch.setattr(logger.experiment, "log_batch", counted)
    for step in range(300):
        logger.log_metrics({"a": float(step), "b": torch.tensor(step)}, step)
    logger.finalize("success")
    assert history(logger, "a") == history(logger, "b") == [(step, float(step)) for step in range(300)]
    assert sum(sizes) == 600
    assert len(sizes) <= 10
    assert not Path(save_dir, "undelivered").exists()


def test_names_values_prefix_and_tags(save_dir: str) -> None:
    logger = make(save_dir, prefix="p", run_name="mine", tags={"team": "x", "mlflow.runName": "other"})
    with pytest.warns(UserWarning, match=r"\[mlflow-run-name\]"):
        logger.start()
    with pytest.warns(UserWarning, match=r"\[mlflow-name\].*'p-a@b' becomes 'p-ab'"):
        logger.log_metrics({"a@b": 1.0}, 3)
    with pytest.warns(UserWarning, match=r"\[mlflow-text\]"):
        logger.log_metrics({"text": "t", "nan": float("nan"), "true": True}, None)  # type: ignore[dict-item]
    logger.log_hyperparams({"a": {"b": 1}, "long": "x" * 7000, "none": None})
    logger.log_hyperparams(Namespace(c=2))
    logger.finalize()
    run = logger.experiment.get_run(logger.run_id)
    assert history(logger, "p-ab") == [(3, 1.0)]
    assert history(logger, "p-true") == [(0, 1.0)]
    assert sorted(run.data.metrics) == ["p-ab", "p-nan", "p-true"]
    assert run.data.params == {"a/b": "1", "long": "x" * 6000, "none": "None", "c": "2"}
    assert (run.info.run_name, run.data.tags["team"]) == ("mine", "x")
    assert (logger.name, logger.version) == (run.info.experiment_id, run.info.run_id)


def test_more_parameters_than_one_call_takes(save_dir: str) -> None:
    logger = make(save_dir)
    logger.log_hyperparams({f"p{number}": number for number in range(230)})
    assert len(logger.experiment.get_run(logger.run_id).data.params) == 230


def test_each_metric_has_its_axis(save_dir: str) -> None:
    logger = make(save_dir)
    logger.log_record(
        Record({"a": 1.0, "b": 2.0}, 7, 2, 9, "train", axes={"b": 2}, axis_names={"b": "epoch"})
    )
    logger.log_record(Record({"c": 3.0}, 0, 2, 9, "validate", with_epoch=False))
    logger.finalize("success")
    assert [history(logger, name) for name in ("a", "b", "c")] == [[(7, 1.0)], [(2, 2.0)], [(0, 3.0)]]
    assert history(logger, "epoch") == [(7, 2.0)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("success", "FINISHED"), ("finished", "FINISHED"), ("failed", "FAILED"), ("KILLED", "KILLED"),
     ("aborted", "KILLED")],
)  # fmt: skip
def test_the_status(save_dir: str, given: str, expected: str) -> None:
    logger = make(save_dir)
    logger.start()
    assert status(logger) == "RUNNING"
    logger.finalize(given)
    assert status(logger) == expected
    logger.start()
    assert status(logger) == "RUNNING"


@pytest.mark.parametrize(
    ("error", "expected"), [(None, "FINISHED"), (RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_the_status_of_a_run(save_dir: str, leyden_run: Runner, error: Any, expected: str) -> None:
    logger = make(save_dir)
    module = TinyModule() if error is None else TinyModule(fail_in="validation_step", error=error)
    leyden_run(module=module, logger=logger, log_every_n_steps=1, num_sanity_val_steps=0)
    assert status(logger) == expected
    assert [step for step, _ in history(logger, "train_loss")] == [0, 1]


def test_fit_then_test_go_into_one_run(save_dir: str, leyden_run: Runner) -> None:
    logger = make(save_dir)
    leyden_run("fit", "test", logger=logger, log_every_n_steps=1).ok()
    assert history(logger, "test_loss")
    assert status(logger) == "FINISHED"


def test_a_run_is_continued(save_dir: str) -> None:
    first = make(save_dir)
    first.log_metrics({"a": 1.0}, 0)
    first.finalize("success")
    second = make(save_dir, run_id=first.run_id)
    second.start()
    assert status(second) == "RUNNING"
    second.log_metrics({"a": 2.0}, 1)
    second.finalize("success")
    assert history(first, "a") == [(0, 1.0), (1, 2.0)]
    assert (second.name, second.version) == (first.name, first.version)


def test_the_default_keeps_everything_below_save_dir(
    save_dir: str, leyden_run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    logger = make(save_dir)
    logger.start()
    logger.experiment.log_text(logger.run_id, "content", "note.txt")
    logger.finalize("success")
    assert Path(save_dir, "artifacts", str(logger.run_id), "artifacts", "note.txt").read_text() == "content"
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert logger.save_dir == save_dir


def test_the_global_address_is_the_runs(save_dir: str) -> None:
    import mlflow

    logger = make(save_dir)
    logger.start()
    with mlflow.start_run(run_id=logger.run_id):
        mlflow.log_metric("through_mlflow", 1.0)
    assert history(logger, "through_mlflow") == [(0, 1.0)]


def test_a_folder_of_files(tmp_path: Path, leyden_run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    logger = MLFlowLogger("e", tracking_uri="file:./ml-runs")
    outcome = leyden_run(logger=logger, log_every_n_steps=1).ok()
    assert any("[mlflow-file-store]" in text and "=true was set" in text for text in outcome.warnings)
    assert logger.save_dir == "./ml-runs"
    path = tmp_path / "ml-runs" / str(logger.name) / str(logger.version) / "metrics" / "train_loss"
    assert [line.split()[2] for line in path.read_text().splitlines()] == ["0", "1"]


def test_a_folder_of_files_that_the_user_allowed_is_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    logger = MLFlowLogger(tracking_uri=str(tmp_path / "plain"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logger.start()
    assert not [one for one in caught if "[mlflow-file-store]" in str(one.message)]


@pytest.mark.parametrize("log_model", [True, "all", False])
def test_checkpoints(save_dir: str, leyden_run: Runner, log_model: Any, tmp_path: Path) -> None:
    from leyden.callbacks import ModelCheckpoint

    logger = make(save_dir, log_model=log_model, checkpoint_path_prefix="models/")
    keep = ModelCheckpoint(monitor="val_loss", save_top_k=1, filename="{epoch}", mode="min")
    leyden_run(logger=logger, callbacks=[keep], max_epochs=3).ok()
    found = sorted(one.path for one in logger.experiment.list_artifacts(logger.run_id, "models"))
    best = Path(keep.best_model_path)
    if not log_model:
        assert found == []
        return
    assert f"models/{best.stem}" in found
    assert log_model == "all" or len(found) == 1
    folder = logger.experiment.download_artifacts(logger.run_id, f"models/{best.stem}", str(tmp_path))
    assert Path(folder, best.name).read_bytes() == best.read_bytes()
    assert Path(folder, "aliases.txt").read_text() == "['latest', 'best']"
    metadata = Path(folder, "metadata.yaml").read_text()
    assert f"original_filename: {best.name}" in metadata
    assert "monitor: val_loss" in metadata
    assert not Path(save_dir, "undelivered").exists()


def test_a_staged_checkpoint_outlives_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"weights")
    linked = staged(str(tmp_path / "a.ckpt"), tmp_path / "kept")

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    copied = staged(str(tmp_path / "a.ckpt"), tmp_path / "kept")
    (tmp_path / "a.ckpt").unlink()
    assert linked != copied
    assert Path(linked).read_bytes() == Path(copied).read_bytes() == b"weights"


def test_a_store_that_hangs_does_not_stop_training(
    save_dir: str, leyden_run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = make(save_dir)
    logger.start()
    hung = threading.Event()
    real = logger.experiment.log_batch

    def hang(run_id: str, metrics: Any = (), **keywords: Any) -> None:
        if metrics:
            hung.wait(60)
        real(run_id, metrics=metrics, **keywords)

    monkeypatch.setattr(logger.experiment, "log_batch", hang)
    monkeypatch.setattr("leyden_logger_mlflow.logger.PATIENCE", 0.2)
    outcome = leyden_run(logger=logger, log_every_n_steps=1, max_epochs=2)
    assert outcome.trainer.global_step == 4
    assert isinstance(outcome.exception, DeliveryError)
    file = Path(save_dir, "undelivered", f"{logger.run_id}.jsonl")
    assert str(file) in str(outcome.exception)
    header, items = read(file)
    assert header["arguments"]["run_id"] == logger.run_id
    assert [one[3] for item in items for one in item.get("metrics", []) if one[0] == "train_loss"] == [
        0,
        1,
        2,
        3,
    ]
    monkeypatch.undo()
    hung.set()
    assert resend(file) == len(items)
    assert not file.exists()
    again = make(save_dir, run_id=logger.run_id)
    assert [step for step, _ in history(again, "train_loss")] == [0, 1, 2, 3]
    assert status(again) == "FINISHED"


def test_a_store_that_fails_now_and_then_gets_everything(
    save_dir: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logger = make(save_dir)
    logger.start()
    real, calls = logger.experiment.log_batch, []

    def moody(*args: Any, **keywords: Any) -> None:
        calls.append(1)
        if len(calls) % 2:
            raise ConnectionError("mood")
        real(*args, **keywords)

    monkeypatch.setattr(logger.experiment, "log_batch", moody)
    with caplog.at_level(logging.CRITICAL):
        for step in range(20):
            logger.log_metrics({"a": float(step)}, step)
            if step % 7 == 0:
                logger.save()
        logger.finalize("success")
    assert history(logger, "a") == [(step, float(step)) for step in range(20)]


def test_what_mlflow_refuses_does_not_hold_up_the_rest(
    save_dir: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = make(save_dir)
    logger.start()
    with caplog.at_level(logging.CRITICAL):
        for step in range(5):
            logger.log_metrics({"a" * (300 if step == 2 else 3): 1.0}, step)
        with pytest.raises(DeliveryError, match=r"1 records were refused .*refused\.jsonl"):
            logger.finalize("success")
    assert [step for step, _ in history(logger, "aaa")] == [0, 1, 3, 4]
    assert status(logger) == "FINISHED"


def test_synchronous_writes_at_once(save_dir: str) -> None:
    logger = make(save_dir, synchronous=True)
    logger.log_metrics({"a": 1.0}, 0)
    assert history(logger, "a") == [(0, 1.0)]
    assert not [one for one in threading.enumerate() if one.name == "leyden-delivery"]
    logger.finalize("failed")
    assert status(logger) == "FAILED"


def test_a_copy_goes_on_in_the_same_run(save_dir: str) -> None:
    logger = make(save_dir)
    logger.log_metrics({"a": 1.0}, 0)
    copy = pickle.loads(pickle.dumps(logger))
    logger.save()
    copy.log_metrics({"a": 2.0}, 1)
    copy.finalize("success")
    assert history(logger, "a") == [(0, 1.0), (1, 2.0)]
    logger.finalize("success")


def test_other_ranks_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    try:
        logger = make(str(tmp_path / "runs"))
        logger.start()
        logger.log_metrics({"a": 1.0}, 0)
        logger.log_hyperparams({"a": 1})
        logger.experiment.log_text("x", "y")
        logger.finalize("success")
    finally:
        rank_zero.set_rank(before)
    assert list(tmp_path.iterdir()) == []


def _begin(folder: str, ready: Any) -> None:
    warnings.simplefilter("ignore")
    logging.disable()
    logger = MLFlowLogger("at once", tracking_uri=None, save_dir=folder)
    ready.wait()
    logger.start()
    logger.log_metrics({"a": float(os.getpid())}, 0)
    logger.finalize("success")


@pytest.mark.multiprocess
def test_four_processes_at_once_in_a_new_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(4)
    processes = [context.Process(target=_begin, args=(str(tmp_path), ready)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    logger = MLFlowLogger("at once", tracking_uri=None, save_dir=str(tmp_path))
    runs = logger.experiment.search_runs(
        [str(logger.experiment_id)], filter_string="attributes.status='FINISHED'"
    )
    assert {run.data.metrics["a"] for run in runs} == {float(process.pid or 0) for process in processes}
    assert len({run.info.experiment_id for run in runs}) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"experiment_name": ""}, "experiment_name"),
        ({"experiment_name": None}, "experiment_name"),
        ({"run_name": 3}, "run_name"),
        ({"prefix": None}, "prefix"),
        ({"log_model": "best"}, "log_model"),
        ({"log_model": 1}, "log_model"),
        ({"synchronous": "yes"}, "synchronous"),
        ({"tags": ["a"]}, "tags"),
        ({"run_id": 7}, "run_id"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}=.*allowed is"):
        MLFlowLogger(**arguments)


@pytest.mark.parametrize("value", [torch.zeros(2), [1], None])
def test_values_that_are_no_numbers(save_dir: str, value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^metrics\['a'\]="):
        make(save_dir).log_metrics({"a": value}, 0)
