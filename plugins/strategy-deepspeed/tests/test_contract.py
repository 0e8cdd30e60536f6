from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from leyden.testing import StrategyContract
from leyden_strategy_deepspeed import DeepSpeedStrategy

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


class StageThree(TestContract):
    __test__ = False

    def make(self) -> DeepSpeedStrategy:
        return DeepSpeedStrategy(stage=3, start_method="fork")


@pytest.mark.multiprocess
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["error", "interrupt"])
def test_what_ends_one_process_ends_all_of_stage_three(how: str, tmp_path: Path) -> None:
    contract = StageThree()
    contract.folder = tmp_path
    contract.test_what_ends_one_process_ends_all(how)
