"""Why a fit was stopped."""

from __future__ import annotations

from enum import IntEnum


class EarlyStoppingReason(IntEnum):
    """Why :class:`EarlyStopping` asked for the end of a fit; the numbers stand in checkpoints."""

    NOT_STOPPED = 0
    STOPPING_THRESHOLD = 1
    DIVERGENCE_THRESHOLD = 2
    PATIENCE_EXHAUSTED = 3
    NON_FINITE_METRIC = 4
