"""``EarlyStopping``: ends a fit when a metric says so."""

from __future__ import annotations

from leyden_callback_early_stopping.callback import EarlyStopping
from leyden_callback_early_stopping.reason import EarlyStoppingReason

__all__ = ["EarlyStopping", "EarlyStoppingReason"]
