"""The mode whose weights are trained; the others, whose are frozen, are in test_precision.py."""

from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import PrecisionContract

pytestmark = pytest.mark.filterwarnings("ignore:.*inputs will be cast:UserWarning")


class TestContract(PrecisionContract):
    entry_point = "bitsandbytes-int8-training"
    expected: ClassVar[tuple[str, str, bool]] = ("float16", "float16", False)
    tolerance: ClassVar[float] = 0.03  # products are of int8
    leaves: ClassVar[tuple[str, ...]] = ("warnings.filters",)  # what importing bitsandbytes adds
