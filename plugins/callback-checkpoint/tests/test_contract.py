from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from leyden.testing import CallbackContract, OptionContract
from leyden_callback_checkpoint import EnableCheckpointing, ModelCheckpoint


class CheckpointContract(CallbackContract):
    def further_keywords(self) -> dict[str, Any]:
        return {"enable_checkpointing": True}


class TestContract(CheckpointContract):
    def make(self) -> ModelCheckpoint:
        return ModelCheckpoint("checkpoints", monitor="val_loss", save_top_k=2, save_last=True)


class TestContractOfSteps(CheckpointContract):
    def make(self) -> ModelCheckpoint:
        return ModelCheckpoint("checkpoints", every_n_train_steps=1, save_top_k=-1, save_on_exception=True)


class TestContractOfTime(CheckpointContract):
    def make(self) -> ModelCheckpoint:
        return ModelCheckpoint("checkpoints", train_time_interval=timedelta(0), save_last="link")


class TestOptionContract(OptionContract):
    entry_point: ClassVar[str] = "enable_checkpointing"
    good: ClassVar[tuple[Any, ...]] = (True, False, None)
    bad: ClassVar[tuple[Any, ...]] = (1, 0, "yes", [], 0.5)

    def make(self) -> EnableCheckpointing:
        return EnableCheckpointing()
