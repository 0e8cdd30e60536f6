from __future__ import annotations

from leyden.testing import CallbackContract
from leyden_callback_weight_averaging import EMAWeightAveraging, StochasticWeightAveraging


class TestContractSWA(CallbackContract):
    entry_point = "stochastic_weight_averaging"

    def make(self) -> StochasticWeightAveraging:
        return StochasticWeightAveraging(0.05, swa_epoch_start=1)


class TestContract(CallbackContract):
    entry_point = "weight_averaging"


class TestContractEMA(CallbackContract):
    entry_point = "ema_weight_averaging"

    def make(self) -> EMAWeightAveraging:
        return EMAWeightAveraging(decay=0.5, update_starting_at_epoch=0)
