from __future__ import annotations

from leyden.testing import PluginContract


class TestContract(PluginContract):
    entry_point = "preemption"
