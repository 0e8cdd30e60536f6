from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import ClassVar

import pytest

from leyden.testing import AcceleratorContract


class TestContract(AcceleratorContract):
    entry_point = "cpu"
    bounded: ClassVar[bool] = False

    @pytest.fixture(autouse=True)
    def _psutil(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Statistics need psutil, which is optional: a stand-in where it is not installed."""
        used = SimpleNamespace(percent=1.0)
        stand_in = SimpleNamespace(
            cpu_percent=lambda: 1.0, virtual_memory=lambda: used, swap_memory=lambda: used
        )
        try:
            import psutil  # noqa: F401
        except ImportError:
            monkeypatch.setitem(sys.modules, "psutil", stand_in)
