"""Progress bars by rich."""

from __future__ import annotations

from leyden_callback_progress_rich.callback import RichProgressBar
from leyden_callback_progress_rich.theme import RichProgressBarTheme

__all__ = ["RichProgressBar", "RichProgressBarTheme"]
