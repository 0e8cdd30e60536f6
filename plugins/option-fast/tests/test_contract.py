from __future__ import annotations

from typing import Any, ClassVar

import pytest

from leyden.errors import ConfigurationError
from leyden.testing import OptionContract
from leyden_option_fast import CompiledStep, CUDAGraphs, Fast, Workers


class TestFastContract(OptionContract):
    entry_point = "fast"
    good: ClassVar[tuple[Any, ...]] = ("auto", "fused", ["fused", Workers(most=0)])
    bad: ClassVar[tuple[Any, ...]] = (True, "compiled", 1, [], ["fused", "fused"], ["auto"], ["compile", 1])


def test_two_ways_to_compile_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="cuda-graphs"):
        Fast().validate([CompiledStep(), CUDAGraphs()], {})
