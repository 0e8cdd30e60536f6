"""What packages read off the evaluating loops."""

from __future__ import annotations

from typing import Any


class EvaluationLoopMembers:
    """Members for ``EvaluationLoopView``."""

    _trainer: Any

    @property
    def epoch_batch_indices(self) -> list[list[Any]]:
        """Of each loader, the samples of each batch so far, while a prediction writer keeps them for the epoch."""
        kept = (getattr(one, "_indices", None) for one in self._trainer.callbacks)
        return next((list(one) for one in kept if one), [])
