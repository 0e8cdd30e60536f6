from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import StrategyContract
from leyden_strategy_ddp import DDPStrategy


@pytest.mark.multiprocess
class TestContract(StrategyContract):
    entry_point = "ddp_fork"
    processes: ClassVar[int] = 2

    def make(self) -> DDPStrategy:
        return DDPStrategy(start_method="fork")
