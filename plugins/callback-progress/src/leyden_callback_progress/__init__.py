"""Progress bars: their base, the one for log files, and the Trainer keyword ``enable_progress_bar``."""

from __future__ import annotations

from leyden_callback_progress.bar import ProgressBar, standard_metrics
from leyden_callback_progress.checks import number_of
from leyden_callback_progress.lines import LogProgressBar
from leyden_callback_progress.option import EnableProgressBar
from leyden_callback_progress.output import in_notebook, in_terminal
from leyden_callback_progress.staged import StagedProgressBar
from leyden_callback_progress.throttle import Throttle

__all__ = [
    "EnableProgressBar",
    "LogProgressBar",
    "ProgressBar",
    "StagedProgressBar",
    "Throttle",
    "in_notebook",
    "in_terminal",
    "number_of",
    "standard_metrics",
]
