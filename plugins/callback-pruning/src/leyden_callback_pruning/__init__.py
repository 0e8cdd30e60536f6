"""``ModelPruning``."""

from __future__ import annotations

from leyden_callback_pruning.callback import ModelPruning

__all__ = ["ModelPruning"]
