from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import PrecisionContract

pytestmark = pytest.mark.filterwarnings("ignore:.*inputs will be cast:UserWarning")


class TestContract(PrecisionContract):
    entry_point = "bitsandbytes-int8"
    expected: ClassVar[tuple[str, str, bool]] = ("float16", "float16", False)
    trains: ClassVar[bool] = False
    leaves: ClassVar[tuple[str, ...]] = ("warnings.filters",)  # what importing bitsandbytes adds
