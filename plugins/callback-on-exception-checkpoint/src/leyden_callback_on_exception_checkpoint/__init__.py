"""``OnExceptionCheckpoint``."""

from __future__ import annotations

from leyden_callback_on_exception_checkpoint.callback import OnExceptionCheckpoint

__all__ = ["OnExceptionCheckpoint"]
