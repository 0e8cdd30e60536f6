from __future__ import annotations

from leyden.testing.contracts.base import EntryContract


class TestContract(EntryContract):
    group = "leyden.migrations"
    entry_point = "lightning"
    imports_torch = True
