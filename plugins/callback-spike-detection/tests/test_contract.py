from __future__ import annotations

from leyden.testing import CallbackContract
from leyden_callback_spike_detection import SkipBatches, SpikeDetection


class TestContract(CallbackContract):
    entry_point = "spike_detection"

    def make(self) -> SpikeDetection:
        return SpikeDetection(atol=1e6)


class TestContractSkipping(CallbackContract):
    entry_point = "skip_batches"

    def make(self) -> SkipBatches:
        (self.folder / "skip_batches.json").write_text("[9]")
        return SkipBatches(every_epoch=True)
