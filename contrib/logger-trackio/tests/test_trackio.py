"""The Trackio logger, on projects of this machine."""

from __future__ import annotations

import pickle
import subprocess
import sys
import uuid
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.api import rank_zero
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import Runner, TinyModule
from leyden_logger_trackio import TrackioLogger


def make(**arguments: Any) -> TrackioLogger:
    given = {"project": f"p{uuid.uuid4().hex[:8]}", "auto_log_gpu": False, "auto_log_cpu": False}
    return TrackioLogger(**{**given, **arguments})


def rows(logger: TrackioLogger) -> list[dict[str, Any]]:
    from trackio.sqlite_storage import SQLiteStorage

    logger.finalize("success")
    found = SQLiteStorage.get_logs(logger.name, logger.version)
    return [{key: value for key, value in row.items() if key != "timestamp"} for row in found]


def config(logger: TrackioLogger) -> dict[str, Any]:
    from trackio.sqlite_storage import SQLiteStorage

    logger.finalize("success")
    found = SQLiteStorage.get_run_config(logger.name, logger.version)
    return {key: value for key, value in found.items() if not key.startswith("_")}


def test_nothing_is_created_and_trackio_not_imported_by_the_constructor(tmp_path: Path) -> None:
    program = "import sys; from leyden.loggers import TrackioLogger; TrackioLogger(); print('trackio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


def test_rows_prefix_and_steps() -> None:
    logger = make(prefix="x", name="mine")
    logger.log_metrics({"a": 1.0, "b": torch.tensor(2.0)}, 3)
    logger.log_metrics({"a": 2.0}, None)
    assert rows(logger) == [{"x-a": 1.0, "x-b": 2.0, "step": 3}, {"x-a": 2.0, "step": 4}]
    assert logger.version == "mine"


def test_hyper_parameters() -> None:
    logger = make()
    logger.log_hyperparams({"a": 1, "b": {"c": (1, 2)}, "f": len})
    logger.log_hyperparams(Namespace(a=2))
    assert config(logger) == {"a": 2, "b": {"c": [1, 2]}, "f": "builtins.len"}


@pytest.mark.parametrize("fail_in", ["", "validation_step"])
def test_a_run(leyden_run: Runner, fail_in: str) -> None:
    logger = make()
    module = TinyModule(fail_in=fail_in) if fail_in else TinyModule()
    outcome = leyden_run(module=module, logger=logger, log_every_n_steps=1, num_sanity_val_steps=0)
    assert (outcome.exception is not None) == bool(fail_in)
    assert [row["step"] for row in rows(logger) if "train_loss" in row] == [0, 1]
    assert outcome.stdout == ""


def test_fit_then_test_go_into_one_run(leyden_run: Runner) -> None:
    logger = make()
    leyden_run("fit", "test", logger=logger, log_every_n_steps=1).ok()
    assert {"train_loss", "val_loss", "test_loss"} <= set().union(*rows(logger))


def test_a_chosen_axis_is_the_step(leyden_run: Runner) -> None:
    class Module(TinyModule):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("by_batch", 1.0, axis="batch")
            return super().training_step(batch, batch_idx)

    logger = make()
    leyden_run(module=Module(), logger=logger, log_every_n_steps=1).ok()
    assert [row["step"] for row in rows(logger) if "by_batch" in row] == [1, 2]


def test_a_copy_goes_on_in_the_same_run() -> None:
    logger = make()
    logger.log_metrics({"a": 1.0}, 0)
    copy = pickle.loads(pickle.dumps(logger))
    logger.finalize("success")
    copy.log_metrics({"a": 2.0}, 1)
    assert [row["a"] for row in rows(copy)] == [1.0, 2.0]


def test_other_ranks_write_nothing(trackio_folder: Path) -> None:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    try:
        logger = make()
        logger.start()
        logger.log_metrics({"a": 1.0}, 0)
        logger.experiment.log({"a": 1})
        logger.finalize("success")
    finally:
        rank_zero.set_rank(before)
    assert not list(trackio_folder.glob(f"{logger.name}*"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"project": ""}, "project"), ({"name": 3}, "name"), ({"prefix": None}, "prefix"), ({"config": {}}, "config"),
     ({"resume": "never"}, "resume")],
)  # fmt: skip
def test_wrong_arguments_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}=.*allowed is"):
        TrackioLogger(**arguments)


def test_unknown_arguments_are_refused_before_training() -> None:
    with pytest.raises(ArgumentTypeError, match="gruop"):
        make(gruop="x").start()
