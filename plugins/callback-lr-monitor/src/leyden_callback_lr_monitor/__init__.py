"""``LearningRateMonitor``: writes learning rates to the loggers."""

from __future__ import annotations

from leyden_callback_lr_monitor.callback import LearningRateMonitor

__all__ = ["LearningRateMonitor"]
