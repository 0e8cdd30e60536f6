from __future__ import annotations

from leyden.testing import CommandContract


class TestContract(CommandContract):
    entry_point = "checkpoint"
