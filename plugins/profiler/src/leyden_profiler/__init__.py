"""Profilers, and the Trainer keyword ``profiler``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden_profiler.option import ProfilerOption
from leyden_profiler.passthrough import PassThroughProfiler

if TYPE_CHECKING:
    from leyden_profiler.advanced import AdvancedProfiler
    from leyden_profiler.phases import Phases
    from leyden_profiler.pytorch import PyTorchProfiler
    from leyden_profiler.simple import SimpleProfiler

__all__ = [
    "AdvancedProfiler",
    "PassThroughProfiler",
    "Phases",
    "ProfilerOption",
    "PyTorchProfiler",
    "SimpleProfiler",
]
_MODULES = {
    "AdvancedProfiler": "advanced",
    "Phases": "phases",
    "PyTorchProfiler": "pytorch",
    "SimpleProfiler": "simple",
}


def __getattr__(name: str) -> Any:
    # Every Trainer loads this package for its default, which needs none of these.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
