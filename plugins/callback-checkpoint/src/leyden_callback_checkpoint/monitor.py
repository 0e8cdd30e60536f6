"""The monitored metric: whether it is there, and whether it is of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.errors import UserCodeError
from leyden.plugins.errors import did_you_mean, listed

if TYPE_CHECKING:
    from leyden import Trainer


COUNTERS = ("epoch", "step")


class Monitor:
    """Tells whether the monitored metric belongs to what would be saved now.

    Args:
        metric: its name.

    Attributes:
        validated_at: the training batches completed when validation last produced it, -1 when it never did.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.validated_at = -1

    def validation_ends(self, trainer: Trainer) -> None:
        """Remember it if this validation produced the metric."""
        now = trainer.run_state.counters.batches
        if trainer.metric_batch(self.metric) == now:
            self.validated_at = now

    def is_fresh(self, trainer: Trainer, *, epoch_ends: bool = False) -> bool:
        """Whether the metric was produced by the batch, or the validation after it, that has just ended.

        Args:
            trainer: of the running fit.
            epoch_ends: the training epoch ends, so that its own metrics are complete whichever batches logged them.
        """
        counters, born = trainer.run_state.counters, trainer.metric_batch(self.metric)
        if self._is_counted(born):
            return True
        if born is None or born == counters.batches:
            return born is not None
        oldest = counters.batches - (counters.batch if epoch_ends else 1)
        return bool(oldest <= born != self.validated_at)

    def is_missing(self, trainer: Trainer) -> bool:
        """Whether nobody has logged the metric in this run."""
        born = trainer.metric_batch(self.metric)
        return born is None and not self._is_counted(born)

    def _is_counted(self, born: int | None) -> bool:
        """Whether it is a counter of the run, which every checkpoint has, rather than something that was logged."""
        return born is None and self.metric in COUNTERS

    def complaint(self, trainer: Trainer) -> UserCodeError:
        """What to raise when nobody logs the metric."""
        names = list(trainer.callback_metrics)
        text = (
            f"ModelCheckpoint(monitor={self.metric!r}): no metric of that name was logged; there are "
            f"{listed(names)}. {did_you_mean(self.metric, names)}"
        )
        return UserCodeError(
            f"{text.rstrip()} Log it with self.log({self.metric!r}, value), or monitor one that is there."
        )
