from __future__ import annotations

from leyden.testing import StrategyContract


class TestContract(StrategyContract):
    entry_point = "single_device"
