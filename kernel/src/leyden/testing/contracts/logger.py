"""The contract of loggers."""

from __future__ import annotations

import pickle
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from leyden.testing.contracts.run import RunContract
from leyden.testing.footprint import Footprint

MANY = 200


class LoggerContract(RunContract):
    """A ``Logger`` of ``leyden.loggers``.

    ``make`` is called several times in one test and must then return loggers of different versions, as it does when it
    leaves the version open. Override :meth:`written` for loggers that write no files.
    """

    group: ClassVar[str] = "leyden.loggers"
    spawns: ClassVar[bool] = True

    def keywords(self, component: Any) -> dict[str, Any]:
        """``logger=[component]``, written at every step."""
        return {"logger": [component], "log_every_n_steps": 1}

    def written(self, logger: Any) -> bytes:
        """Everything that a logger wrote; the default reads all files in its ``log_dir`` (or ``save_dir``)."""
        folder = logger.log_dir or logger.save_dir
        assert folder is not None, (
            "The logger writes no files: override written() in the contract's test class."
        )
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return b"\n".join(path.read_bytes() for path in files)

    def started(self) -> Any:
        """A new logger after ``start``."""
        logger = self.make()
        logger.start()
        return logger

    def test_a_run_is_written(self) -> None:
        """Metrics of training and validation, and the hyper-parameters, are there when the run is over."""
        logger = self.make()
        self.run("fit", component=logger).ok()
        text = self.written(logger)
        assert b"train_loss" in text
        assert b"val_loss" in text
        assert b"learning_rate" in text

    def test_a_failed_run_is_written(self) -> None:
        """What was logged before an exception is there."""
        from leyden.testing.tiny import TinyModule

        logger = self.make()
        outcome = self.run(
            "fit", component=logger, module=TinyModule(fail_in="training_step"), num_sanity_val_steps=0
        )
        assert isinstance(outcome.exception, RuntimeError)
        assert b"train_loss" in self.written(logger)

    def test_training_is_left_alone(self) -> None:
        """The weights are those of a run without the logger."""
        import torch

        with_it, without = self.run("fit").ok(), self.run("fit", logger=False).ok()
        for name, weight in without.module.state_dict().items():
            torch.testing.assert_close(with_it.module.state_dict()[name], weight, rtol=0, atol=0)

    def test_metrics_that_come_later_are_kept(self) -> None:
        """New names, missing steps, and values that are no ordinary numbers are all written."""
        logger = self.started()
        logger.log_metrics({"early": 1.0}, step=0)
        logger.log_metrics({"early": float("nan"), "later": float("inf")}, step=1)
        logger.log_metrics({"without_a_step": 3}, None)
        logger.save()
        logger.log_metrics({"last": -1.5}, step=2)
        logger.finalize("success")
        text = self.written(logger)
        for name in (b"early", b"later", b"without_a_step", b"last"):
            assert name in text

    def test_hyper_parameters_of_all_kinds(self) -> None:
        """Dicts, namespaces, nested values and objects are written, and their mappings are not changed."""
        logger = self.started()
        params = {"depth": 3, "nested": {"inner_name": None}, "path": Path("data"), "call": len}
        logger.log_hyperparams(params)
        logger.log_hyperparams(Namespace(from_a_namespace=True))
        logger.finalize("success")
        assert params == {"depth": 3, "nested": {"inner_name": None}, "path": Path("data"), "call": len}
        text = self.written(logger)
        for name in (b"depth", b"inner_name", b"from_a_namespace"):
            assert name in text

    def test_two_versions_at_once(self) -> None:
        """Two loggers that are open together do not mix."""
        first, second = self.started(), self.started()
        for logger, name in ((first, "of_the_first"), (second, "of_the_second")):
            logger.log_metrics({name: 1.0}, step=0)
        second.finalize("success")
        first.finalize("success")
        assert (first.name, first.version) != (second.name, second.version)
        assert b"of_the_first" in self.written(first) and b"of_the_second" not in self.written(first)
        assert b"of_the_second" in self.written(second) and b"of_the_first" not in self.written(second)

    def test_the_identity_is_stable(self) -> None:
        """Name, version and folders are the same before the first record and after the last."""
        logger = self.started()
        before = identity(logger)
        logger.log_metrics({"metric": 1.0}, step=0)
        logger.finalize("success")
        assert identity(logger) == before

    def test_finalizing_closes(self) -> None:
        """After ``finalize`` nothing is open and no thread runs; a second time, and without a start, it is harmless."""
        self.make().finalize("failed")
        before = Footprint.take()
        logger = self.started()
        logger.log_metrics({"metric": 1.0}, step=0)
        logger.finalize("success")
        logger.finalize("success")
        after = Footprint.take()
        assert (
            self.meant([*after.new_threads(before), *after.new_processes(before), *after.new_handles(before)])
            == []
        )

    def test_a_used_logger_survives_spawn(self) -> None:
        """A logger that was used can be pickled, and its copy goes on where it was."""
        logger = self.started()
        logger.log_metrics({"before_spawn": 1.0}, step=0)
        logger.save()
        copy = pickle.loads(pickle.dumps(logger))
        logger.finalize("success")
        assert identity(copy) == identity(logger)

    def test_a_record_costs_the_same_all_along(self) -> None:
        """Writing a record late makes as many calls as writing one early: nothing is written anew each time."""
        logger = self.started()
        costs = [calls(partial(_log_and_save, logger, step)) for step in range(MANY)]
        logger.finalize("success")
        early, late = min(costs[10:20]), min(costs[-10:])
        assert late <= 2 * early


def _log_and_save(logger: Any, step: int) -> None:
    logger.log_metrics({"metric": float(step)}, step=step)
    logger.save()


def identity(logger: Any) -> tuple[Any, ...]:
    """Name, version and folders of a logger."""
    return logger.name, logger.version, logger.save_dir, logger.root_dir, logger.log_dir


def calls(function: Callable[[], Any]) -> int:
    """How many calls, of Python and C functions, a function makes."""
    count = 0

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count
