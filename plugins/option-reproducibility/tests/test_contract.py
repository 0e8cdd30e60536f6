from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import OptionContract


class TestDeterministicContract(OptionContract):
    entry_point = "deterministic"
    good: ClassVar[tuple[Any, ...]] = (True, "warn", False)
    bad: ClassVar[tuple[Any, ...]] = ("warning", "True", "", 1, 0.5, [True])


class TestBenchmarkContract(OptionContract):
    entry_point = "benchmark"
    good: ClassVar[tuple[Any, ...]] = (True, False)
    bad: ClassVar[tuple[Any, ...]] = ("auto", 1, 0, [True])


class TestDetectAnomalyContract(OptionContract):
    entry_point = "detect_anomaly"
    good: ClassVar[tuple[Any, ...]] = (True, False)
    bad: ClassVar[tuple[Any, ...]] = ("True", 1, 0, [True])
