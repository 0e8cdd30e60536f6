from __future__ import annotations

import os
from typing import ClassVar

import pytest

from leyden.testing import StrategyContract
from leyden.testing.contracts.run import FAILURES
from leyden_strategy_fsdp import FSDPStrategy

pytestmark = pytest.mark.skipif(
    os.environ.get("LEYDEN_ENGINES") != "1",
    reason="not settled: LEYDEN_ENGINES=1 runs it (minutes; see the README)",
)


@pytest.mark.multiprocess
class TestContract(StrategyContract):
    entry_point = "fsdp"
    processes: ClassVar[int] = 2

    def make(self) -> FSDPStrategy:
        return FSDPStrategy(start_method="fork")

    @pytest.mark.parametrize(("stage", "method", "error"), FAILURES)
    def test_closes_after_an_exception(self, stage: str, method: str, error: type[BaseException]) -> None:
        if error is KeyboardInterrupt:
            pytest.skip("after Ctrl-C shards stay with their processes: see the README's limits")
        super().test_closes_after_an_exception(stage, method, error)
