from __future__ import annotations

from leyden.testing import AcceleratorContract


class TestContract(AcceleratorContract):
    entry_point = "mps"
