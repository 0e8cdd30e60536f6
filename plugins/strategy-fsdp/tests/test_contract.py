from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import StrategyContract
from leyden_strategy_fsdp import FSDPStrategy


@pytest.mark.multiprocess
class TestContract(StrategyContract):
    entry_point = "fsdp"
    processes: ClassVar[int] = 2

    def make(self) -> FSDPStrategy:
        return FSDPStrategy(start_method="fork")
