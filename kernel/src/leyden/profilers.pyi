"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.profiler import Profiler as Profiler
from leyden_profiler import AdvancedProfiler as AdvancedProfiler
from leyden_profiler import PassThroughProfiler as PassThroughProfiler
from leyden_profiler import PyTorchProfiler as PyTorchProfiler
from leyden_profiler import SimpleProfiler as SimpleProfiler

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
