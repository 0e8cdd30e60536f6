"""The contract's layer is too small for float8 and int8 products, which test_numbers.py looks at."""

from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import PrecisionContract
from leyden_precision_torchao import Float8Precision

pytestmark = pytest.mark.filterwarnings("ignore:.*no-linear-layers:UserWarning")


class TestFloat8Precision(PrecisionContract):
    entry_point = "float8"
    expected: ClassVar[tuple[str, str, bool]] = ("float32", "bfloat16", False)

    def make(self) -> Float8Precision:
        return Float8Precision("float8", "cpu", emulate=True)


class TestInt8Precision(PrecisionContract):
    entry_point = "int8-mixed"
    leaves: ClassVar[tuple[str, ...]] = ("warnings.filters",)
    expected: ClassVar[tuple[str, str, bool]] = ("float32", "float32", False)


class TestQATPrecision(PrecisionContract):
    entry_point = "int8-qat"
    leaves: ClassVar[tuple[str, ...]] = ("warnings.filters",)  # what torchao adds when it is first imported
    expected: ClassVar[tuple[str, str, bool]] = ("float32", "float32", False)
    tolerance: ClassVar[float] = 0.02  # int8 has 127 steps
