"""``Tuner``, and the callbacks ``LearningRateFinder`` and ``BatchSizeFinder``."""

from __future__ import annotations

from leyden_tuner.callbacks import BatchSizeFinder, LearningRateFinder
from leyden_tuner.result import LRFinder
from leyden_tuner.tuner import Tuner

__all__ = ["BatchSizeFinder", "LRFinder", "LearningRateFinder", "Tuner"]
