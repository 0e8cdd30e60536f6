from __future__ import annotations

from typing import Any

from leyden.testing import CallbackContract
from leyden_callback_prediction_writer import BasePredictionWriter


class Counting(BasePredictionWriter):
    """Writes nothing, and counts."""

    batches = epochs = 0

    def write_on_batch_end(self, *args: Any) -> None:
        self.batches += 1

    def write_on_epoch_end(self, *args: Any) -> None:
        self.epochs += 1


class TestContract(CallbackContract):
    entry_point = "base_prediction_writer"

    def make(self) -> Counting:
        return Counting("batch_and_epoch")
