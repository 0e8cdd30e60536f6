from __future__ import annotations

import os
from typing import ClassVar

import pytest

from leyden.testing import StrategyContract
from leyden_strategy_model_parallel import ModelParallelStrategy

pytestmark = pytest.mark.skipif(
    os.environ.get("LEYDEN_ENGINES") != "1",
    reason="not settled: LEYDEN_ENGINES=1 runs it (minutes; see the README)",
)


@pytest.mark.multiprocess
class TestContract(StrategyContract):
    entry_point = "model_parallel"
    processes: ClassVar[int] = 2

    def make(self) -> ModelParallelStrategy:
        return ModelParallelStrategy()
