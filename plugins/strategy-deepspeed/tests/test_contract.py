from __future__ import annotations

import os
from typing import ClassVar

import pytest

from leyden.testing import StrategyContract
from leyden_strategy_deepspeed import DeepSpeedStrategy

pytestmark = pytest.mark.skipif(
    os.environ.get("LEYDEN_ENGINES") != "1",
    reason="not settled: LEYDEN_ENGINES=1 runs it (minutes; see the README)",
)

# What its import opens stays open in the process, and is not a run's.
pytest.importorskip("deepspeed")


@pytest.mark.multiprocess
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
class TestContract(StrategyContract):
    entry_point = "deepspeed"
    processes: ClassVar[int] = 2

    def make(self) -> DeepSpeedStrategy:
        return DeepSpeedStrategy(stage=2, start_method="fork")
