from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from leyden.testing import OptionContract


class TestContract(OptionContract):
    entry_point = "exact_resume"
    good: ClassVar[Sequence[Any]] = (True, "require", False)
    bad: ClassVar[Sequence[Any]] = ("always", 1)
