from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import OptionContract, ProfilerContract
from leyden_profiler import AdvancedProfiler, PassThroughProfiler, PyTorchProfiler, SimpleProfiler


class TestSimple(ProfilerContract):
    entry_point = "simple"

    def make(self) -> SimpleProfiler:
        return SimpleProfiler(dirpath=self.folder, filename="times")


class TestAdvanced(ProfilerContract):
    entry_point = "advanced"

    def make(self) -> AdvancedProfiler:
        return AdvancedProfiler(dirpath=self.folder, filename="functions")


class TestPyTorch(ProfilerContract):
    entry_point = "pytorch"
    reports: ClassVar[bool] = False  # it records steps, not actions of one's own

    def make(self) -> PyTorchProfiler:
        return PyTorchProfiler(dirpath=self.folder, filename="operators")


class TestOption(OptionContract):
    entry_point = "profiler"
    good: ClassVar[tuple[Any, ...]] = (None, "simple", "Advanced", SimpleProfiler(), PassThroughProfiler())
    bad: ClassVar[tuple[Any, ...]] = ("fast", "", 1, True, SimpleProfiler, ["simple"])
