from __future__ import annotations

from leyden.testing import CommandContract


class TestExportCommand(CommandContract):
    entry_point = "export"
