from __future__ import annotations

from leyden.testing import CallbackContract
from leyden_callback_early_stopping import EarlyStopping


class TestContract(CallbackContract):
    entry_point = "early_stopping"

    def make(self) -> EarlyStopping:
        return EarlyStopping("val_loss", patience=1)


class TestContractAtTheEpochsEnd(CallbackContract):
    entry_point = "early_stopping"

    def make(self) -> EarlyStopping:
        return EarlyStopping("train_loss", mode="max", stopping_threshold=0.5, check_on_train_epoch_end=True)
