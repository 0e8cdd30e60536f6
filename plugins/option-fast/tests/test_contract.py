from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import OptionContract


class TestFastContract(OptionContract):
    entry_point = "fast"
    good: ClassVar[tuple[Any, ...]] = ("auto", "fused")
    bad: ClassVar[tuple[Any, ...]] = (True, "compiled", 1)
