"""``TrainerState``, for programs that make one."""

from __future__ import annotations

from dataclasses import dataclass

from leyden.kernel.state import RunningStage, TrainerFn, TrainerStatus


@dataclass
class TrainerState:
    """What was called, which loop runs, and how it went.

    Attributes:
        status: how it went.
        fn: what was called.
        stage: which loop runs.
    """

    status: TrainerStatus = TrainerStatus.INITIALIZING
    fn: TrainerFn | None = None
    stage: RunningStage | None = None

    @property
    def finished(self) -> bool:
        """Whether the last call ended well."""
        return self.status is TrainerStatus.FINISHED

    @property
    def stopped(self) -> bool:
        """Whether no run is going on."""
        return self.status in (TrainerStatus.FINISHED, TrainerStatus.INTERRUPTED)
