"""Things to do between two training batches, asked for from anywhere: from a signal handler, say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leyden.kernel.events import EVENTS
from leyden.plugins.adapt import Participant

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer


def after_batch(trainer: Trainer, name: str, action: Callable[[], Any]) -> None:
    """Do something once after a training batch: the running one, or one soon after it.

    With several processes, it is done when all have asked for it, after the same batch everywhere, so it may use
    collectives. Until somebody asks, the training loop pays nothing for this.

    Args:
        trainer: whose fit is running.
        name: the same in all processes; asked for twice, it is done once.
        action: what to do.
    """
    session = trainer.running
    waiting = f"after a batch: {name}"
    if any(one.name == waiting for one in session.manager.participants):
        return
    participant = Participant(waiting, "request", action)
    done = False

    def look() -> None:
        nonlocal done
        if not done and session.strategy.ready(name, session.state.counters.updates):
            done = True
            action()

    participant.listen(EVENTS["on_train_batch_end"], look, ())
    session.manager.register([participant])
