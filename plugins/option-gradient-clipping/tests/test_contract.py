from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import OptionContract


class TestValueContract(OptionContract):
    entry_point = "gradient_clip_val"
    good: ClassVar[tuple[Any, ...]] = (0, 1, 0.5)
    bad: ClassVar[tuple[Any, ...]] = (-1, -0.5, float("nan"), float("inf"), True, "1")


class TestAlgorithmContract(OptionContract):
    entry_point = "gradient_clip_algorithm"
    good: ClassVar[tuple[Any, ...]] = ("norm", "value", "NORM")
    bad: ClassVar[tuple[Any, ...]] = ("max", "", 1, True)
