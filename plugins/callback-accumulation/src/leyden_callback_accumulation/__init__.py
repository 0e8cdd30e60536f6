"""``GradientAccumulationScheduler``."""

from __future__ import annotations

from leyden_callback_accumulation.callback import GradientAccumulationScheduler

__all__ = ["GradientAccumulationScheduler"]
