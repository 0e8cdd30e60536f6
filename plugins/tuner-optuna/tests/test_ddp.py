from __future__ import annotations

from typing import Any

import optuna
import pytest

import leyden
from leyden.plugins.catalogue import catalogue
from leyden_tuner_optuna import OptunaPruningCallback


@pytest.mark.multiprocess
@pytest.mark.skipif(
    not catalogue().named("leyden.strategies", "ddp_spawn"), reason="needs leyden-strategy-ddp"
)
@pytest.mark.parametrize("storage", ["journal", pytest.param("rdb", marks=pytest.mark.slow)])
def test_processes_of_ddp_stop_together(storage: str, studied: Any) -> None:
    kept: Any = "sqlite:///study.db"
    if storage == "journal":
        kept = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.journal"))
    study = optuna.create_study(storage=kept, pruner=optuna.pruners.ThresholdPruner(upper=0.0))
    trial = study.ask()
    callback = OptunaPruningCallback(trial, "val_loss")
    trainer = leyden.Trainer(
        max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[callback], accelerator="cpu", devices=2, strategy="ddp_spawn",
    )  # fmt: skip
    trainer.fit(studied.Line(lr=1e-3), studied.Numbers())
    with pytest.raises(optuna.TrialPruned, match="epoch 0"):
        callback.check_pruned()
    assert list(study.trials[0].intermediate_values) == [0]
