"""``Timer``, and the Trainer keyword ``max_time`` that adds one."""

from __future__ import annotations

from leyden_callback_timer.callback import Timer
from leyden_callback_timer.option import MaxTime

__all__ = ["MaxTime", "Timer"]
