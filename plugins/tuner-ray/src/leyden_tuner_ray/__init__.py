"""Hyper-parameter search with Ray Tune; importing this imports neither torch nor ray."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_tuner_ray.callbacks import TuneReportCallback, TuneReportCheckpointCallback
    from leyden_tuner_ray.checkpoint import restored_checkpoint
    from leyden_tuner_ray.tuner import RayTuner

__all__ = ["RayTuner", "TuneReportCallback", "TuneReportCheckpointCallback", "restored_checkpoint"]

_HOMES = {
    "RayTuner": "tuner",
    "TuneReportCallback": "callbacks",
    "TuneReportCheckpointCallback": "callbacks",
    "restored_checkpoint": "checkpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
