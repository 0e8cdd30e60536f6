"""What ``trainer.state`` shows."""

from __future__ import annotations

from leyden.kernel.state import RunningStage, RunState, TrainerFn, TrainerStatus


class StateView:
    """``trainer.state``: what was called, which loop runs, and how the last call went."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    @property
    def fn(self) -> TrainerFn | None:
        """What was called last."""
        return self._state.fn

    @fn.setter
    def fn(self, value: TrainerFn | None) -> None:
        self._state.fn = value

    @property
    def stage(self) -> RunningStage | None:
        """Which loop is running."""
        return self._state.stage

    @stage.setter
    def stage(self, value: RunningStage | None) -> None:
        self._state.stage = value

    @property
    def status(self) -> TrainerStatus:
        """How the last call went."""
        return self._state.status

    @status.setter
    def status(self, value: TrainerStatus) -> None:
        self._state.status = value

    @property
    def finished(self) -> bool:
        """Whether the last call ended well."""
        return self._state.status is TrainerStatus.FINISHED

    @property
    def stopped(self) -> bool:
        """Whether no run is going on."""
        return self._state.status in (TrainerStatus.FINISHED, TrainerStatus.INTERRUPTED)
