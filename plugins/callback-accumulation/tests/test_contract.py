from __future__ import annotations

from leyden.testing import CallbackContract
from leyden_callback_accumulation import GradientAccumulationScheduler


class TestContract(CallbackContract):
    entry_point = "gradient_accumulation_scheduler"

    def make(self) -> GradientAccumulationScheduler:
        return GradientAccumulationScheduler({0: 2, 1: 1})
