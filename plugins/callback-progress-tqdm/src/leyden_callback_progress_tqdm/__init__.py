"""Progress bars by tqdm."""

from __future__ import annotations

from leyden_callback_progress_tqdm.callback import TQDMProgressBar
from leyden_callback_progress_tqdm.line import Tqdm

__all__ = ["TQDMProgressBar", "Tqdm"]
