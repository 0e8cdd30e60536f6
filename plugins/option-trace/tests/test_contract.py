from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import OptionContract


class TestContract(OptionContract):
    entry_point = "trace"
    good: ClassVar[tuple[Any, ...]] = (False, None)
    bad: ClassVar[tuple[Any, ...]] = (1, "", 2.5, ["folder"])
