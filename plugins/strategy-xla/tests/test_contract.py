"""With a fake of torch_xla, whose devices are the CPU: see ``fake/``."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from leyden.testing import EnvironmentContract, StrategyContract
from leyden_strategy_xla import SingleDeviceXLAStrategy, XLAStrategy


class TestSingleDeviceXLAStrategy(StrategyContract):
    entry_point = "single_xla"


@pytest.mark.multiprocess
class TestXLAStrategy(StrategyContract):
    entry_point = "xla"
    processes: ClassVar[int] = 2


class TestXLAEnvironment(EnvironmentContract):
    entry_point = "xla"
