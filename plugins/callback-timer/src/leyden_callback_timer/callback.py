"""``Timer``: times every stage, and ends a fit when its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.kernel.state import RunningStage
from leyden.plugins.errors import did_you_mean, listed
from leyden_callback_timer.clock import Clock
from leyden_callback_timer.duration import duration as as_duration

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

INTERVALS = ("step", "epoch")
STAGES = tuple(str(one) for one in RunningStage)


class Timer(Callback):
    """Times training, validation, test, prediction and the sanity check; asks a fit to end when its time is up.

    The time of a fit is the time of its training loop, validation included, and that of the run that it resumes. A
    fit that resumes with no time left ends before its first batch. ``min_epochs`` and ``min_steps`` are waited for.
    With several processes, the clock of rank zero counts.

    Args:
        duration: the time that a fit may take: ``"DD:HH:MM:SS"``, a timedelta, a dict of its arguments; no limit
            when ``None``.
        interval: look at the clock after each ``"step"`` (training batch) or ``"epoch"``.
        verbose: say when the time is up.

    Attributes:
        duration: as a timedelta, or ``None``.
        leyden_limits_fit: whether it ends fits, so that the Trainer needs no limit of epochs.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        duration: str | timedelta | Mapping[str, float] | None = None,
        interval: str = "step",
        verbose: bool = True,
    ) -> None:
        self.duration = as_duration("duration", duration)
        self.interval = _interval(interval)
        if not isinstance(verbose, bool):
            raise ArgumentTypeError.about("verbose", verbose, "True or False")
        self.verbose = verbose
        self.leyden_limits_fit: bool = self.duration is not None
        self._clocks = {stage: Clock() for stage in RunningStage}

    # -- what users ask ------------------------------------------------------------------------------------------

    def start_time(self, stage: str = "train") -> float | None:
        """When the running or last pass of a stage began, in seconds of ``time.monotonic``; ``None`` if none did.

        Args:
            stage: ``train``, ``sanity_check``, ``validate``, ``test`` or ``predict``; so for the other methods.

        Raises:
            leyden.errors.ConfigurationError: there is no such stage.
        """
        return self._clock(stage).began

    def end_time(self, stage: str = "train") -> float | None:
        """When the last pass of a stage ended; ``None`` while one runs."""
        return self._clock(stage).ended

    def time_elapsed(self, stage: str = "train") -> float:
        """Seconds that the running or last pass of a stage has taken; for training, with those before it resumed."""
        return self._clock(stage).elapsed()

    def time_remaining(self, stage: str = "train") -> float | None:
        """Seconds left of ``duration``, negative when it is exceeded; ``None`` without a limit."""
        return None if self.duration is None else self.duration.total_seconds() - self.time_elapsed(stage)

    def _clock(self, stage: str) -> Clock:
        if stage not in STAGES:
            hint = did_you_mean(stage, STAGES) if isinstance(stage, str) else ""
            raise ConfigurationError.about("stage", stage, listed(STAGES), hint)
        return self._clocks[RunningStage(stage)]

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit" and self.start_time() is not None:
            self._clocks[RunningStage.TRAINING] = Clock()  # another fit has its own time

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._check(trainer)  # what was resumed may have had its time

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._clocks[RunningStage.TRAINING].start()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._clocks[RunningStage.TRAINING].stop()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start_pass(trainer)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start_pass(trainer)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start_pass(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._clock(str(trainer.state.stage)).stop()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._clock(str(trainer.state.stage)).stop()

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._clock(str(trainer.state.stage)).stop()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.interval == "step":
            self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.interval == "epoch":
            self._check(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        for clock in self._clocks.values():
            clock.stop()

    def _start_pass(self, trainer: Trainer) -> None:
        clock = self._clock(str(trainer.state.stage))
        clock.before = 0.0
        clock.start()

    def _check(self, trainer: Trainer) -> None:
        remaining = self.time_remaining()
        if remaining is None or not trainer.strategy.broadcast(remaining <= 0):
            return
        if self.verbose and not trainer.should_stop:
            taken = timedelta(seconds=int(self.time_elapsed()))
            rank_zero_info(f"The time is up: {taken} of {self.duration} have passed. The fit ends.")
        trainer.should_stop = True

    # -- state ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"time_elapsed": {str(stage): clock.elapsed() for stage, clock in self._clocks.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        elapsed = state_dict.get("time_elapsed", {})
        self._clocks = {stage: Clock(before=elapsed.get(str(stage), 0.0)) for stage in RunningStage}


def _interval(value: Any) -> str:
    allowed = "'step' or 'epoch'"
    if not isinstance(value, str):
        raise ArgumentTypeError.about("interval", value, allowed)
    if value not in INTERVALS:
        raise ConfigurationError.about("interval", value, allowed, did_you_mean(value, INTERVALS))
    return value
