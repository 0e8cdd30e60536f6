"""Several loggers in one run: one that fails does not lose what another should get."""

from __future__ import annotations

from typing import Any

import pytest

from leyden import Logger
from leyden.testing import Runner, TinyModule

STAGES = ("start", "log_hyperparams", "log_graph", "log_metrics", "after_save_checkpoint", "finalize")


class Notes(Logger):
    """Notes what it is told, and raises in one method.

    ``log_record`` of the base calls ``log_metrics``.
    """

    name = version = "notes"

    def __init__(self, fails_in: str = "") -> None:
        self.told: list[str] = []
        self.fails_in = fails_in

    def note(self, what: str, detail: Any = "") -> None:
        self.told.append(f"{what} {detail}".strip())
        if what == self.fails_in:
            raise OSError(f"disk full in {what}")

    def start(self) -> None:
        self.note("start")

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.note("log_metrics", step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self.note("log_hyperparams")

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        self.note("log_graph")

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        self.note("after_save_checkpoint")

    def finalize(self, status: str) -> None:
        self.note("finalize", status)


class Told(Notes):
    """Also wants to know what ended the run."""

    def on_exception(self, exception: BaseException) -> None:
        self.note("on_exception", type(exception).__name__)


@pytest.mark.parametrize(
    "stage", [stage for stage in STAGES if stage not in ("start", "after_save_checkpoint")]
)
def test_the_others_get_what_one_fails_to_write(leyden_run: Runner, stage: str) -> None:
    broken, whole = Notes(stage), Notes()
    outcome = leyden_run(logger=[broken, whole], log_every_n_steps=1)
    assert isinstance(outcome.exception, OSError)
    assert whole.told[: len(broken.told) - 1] == broken.told[:-1]
    assert [one.split()[0] for one in whole.told] == [one.split()[0] for one in broken.told]
    assert whole.told[-1] == ("finalize success" if stage == "finalize" else "finalize failed")


def test_a_logger_that_cannot_start_ends_the_run_before_training(leyden_run: Runner) -> None:
    first, broken = Notes(), Notes("start")
    outcome = leyden_run(logger=[first, broken])
    assert isinstance(outcome.exception, OSError)
    assert "on_train_start" not in outcome.events
    assert first.told == ["start", "finalize failed"]


def test_all_get_the_same(leyden_run: Runner) -> None:
    loggers = [Notes(), Notes(), Notes()]
    leyden_run("fit", "test", logger=loggers, log_every_n_steps=1).ok()
    assert loggers[0].told == loggers[1].told == loggers[2].told
    assert [one for one in loggers[0].told if one.startswith("log_metrics")]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_logger_may_ask_what_ended_the_run(leyden_run: Runner, error: type[BaseException]) -> None:
    logger = Told()
    leyden_run(logger=[Notes(), logger], module=TinyModule(fail_in="training_step", error=error))
    assert logger.told[-2:] == [f"on_exception {error.__name__}", "finalize failed"]
