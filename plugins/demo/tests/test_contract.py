from __future__ import annotations

from leyden.testing import CommandContract
from leyden_demo.command import DemoCommand


class TestContract(CommandContract):
    entry_point = "demo"
    arguments = ("--max-epochs", "8", "--accelerator", "cpu")

    def make(self) -> DemoCommand:
        return DemoCommand()
