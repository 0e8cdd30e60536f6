"""With a fake of torch_xla, whose devices are the CPU: see ``fake/``."""

from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import EnvironmentContract, StrategyContract


class TestSingleDeviceXLAStrategy(StrategyContract):
    entry_point = "single_xla"


@pytest.mark.multiprocess
class TestXLAStrategy(StrategyContract):
    entry_point = "xla"
    processes: ClassVar[int] = 2


class TestXLAEnvironment(EnvironmentContract):
    entry_point = "xla"
