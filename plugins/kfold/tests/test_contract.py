from __future__ import annotations

from leyden.testing import CommandContract


class TestKFoldCommand(CommandContract):
    entry_point = "kfold"
