from __future__ import annotations

from leyden.testing import CheckpointIOContract


class TestContract(CheckpointIOContract):
    entry_point = "distributed"
