"""Step schemes: how one batch becomes updates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class StepScheme(ABC):
    """Automatic, manual, or another scheme; the loop calls it once a training batch.

    A run makes it with ``(session, configured)``; the base keeps the first.

    Args:
        session: the running session (:class:`leyden.api.session.Session`): its module, strategy, hooks and state.

    Attributes:
        accumulating: whether an accumulation window is open.
        schedulers: the learning-rate scheduler configurations; falsy when there are none.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self.schedulers: list[Any] = []
        self.accumulating = False

    @abstractmethod
    def __call__(self, batch: Any, batch_idx: int) -> Any:
        """Run one training batch; count optimizer steps and updates; return what ``training_step`` returned."""

    @abstractmethod
    def outputs(self, result: Any) -> Any:
        """What ``on_train_batch_end`` gets for a result."""

    @abstractmethod
    def schedule(self, interval: str, *, plateau: bool) -> None:
        """Step the schedulers of an interval: those that watch a metric, or the others."""
