"""The metrics of torchmetrics, imported when one is used, and an ``Accuracy`` that needs no task."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Accuracy":
        return import_module("leyden_metrics.accuracy").Accuracy
    return getattr(import_module("torchmetrics"), name)
