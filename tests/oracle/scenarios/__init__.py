"""Small deterministic programs: each runs in any package that offers Lightning's names."""

from __future__ import annotations

from tests.oracle.scenarios import (
    callbacks,
    checkpoints,
    data,
    evaluation,
    failures,
    logs,
    metrics,
    optimization,
    resuming,
    stopping,
    training,
    validation,
)
from tests.oracle.scenarios._registry import SCENARIOS

__all__ = ["SCENARIOS"]

_MODULES = (
    training,
    validation,
    stopping,
    optimization,
    data,
    evaluation,
    callbacks,
    logs,
    metrics,
    checkpoints,
    resuming,
    failures,
)
