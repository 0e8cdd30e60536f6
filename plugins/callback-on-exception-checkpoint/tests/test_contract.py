from __future__ import annotations

from leyden.testing import CallbackContract
from leyden_callback_on_exception_checkpoint import OnExceptionCheckpoint


class TestContract(CallbackContract):
    entry_point = "on_exception_checkpoint"

    def make(self) -> OnExceptionCheckpoint:
        return OnExceptionCheckpoint("kept")
