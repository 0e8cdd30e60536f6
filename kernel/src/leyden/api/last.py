"""The newest checkpoint of a Trainer's checkpoint callbacks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer


def last_checkpoint(trainer: Trainer) -> str | None:
    """The newest file that a checkpoint callback calls its last, or ``None``."""
    found = [path for callback in trainer.checkpoint_callbacks for path in _candidates(callback, trainer)]
    return max(found, key=os.path.getmtime, default=None)


def _candidates(callback: Any, trainer: Trainer) -> list[str]:
    finder = getattr(callback, "_find_last_checkpoints", None)
    paths = set(finder(trainer)) if finder is not None else set()
    paths.add(getattr(callback, "last_model_path", ""))
    return [str(path) for path in paths if path and os.path.exists(path)]
