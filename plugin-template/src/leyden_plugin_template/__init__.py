"""A hook plugin: active in every run once it is installed."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leyden import Trainer

LOGGER = logging.getLogger(__name__)


class Stopwatch:
    """Says how long training took, as a log message of level INFO; one a run."""

    def __init__(self) -> None:
        self.started = 0.0

    def on_train_start(self) -> None:
        """A function takes any of its hook's parameters, by name; this one takes none."""
        self.started = monotonic()

    def on_train_end(self, trainer: Trainer) -> None:
        """Rank zero talks to the user, the others keep quiet."""
        if trainer.is_global_zero:
            took = monotonic() - self.started
            LOGGER.info("trained %d epoch(s) in %.1f s", trainer.current_epoch, took)
