from __future__ import annotations

from leyden.testing import CommandContract
from leyden_delivery.command import ResendCommand


class TestContract(CommandContract):
    entry_point = "resend"

    def make(self) -> ResendCommand:
        return ResendCommand()
