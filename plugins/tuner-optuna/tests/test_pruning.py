from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

import leyden
from leyden.errors import ConfigurationError
from leyden.testing.host import HostAccelerator, HostStrategy
from leyden_tuner_optuna import OptunaPruningCallback, PyTorchLightningPruningCallback


class Always(optuna.pruners.BasePruner):
    """Prunes from a given step on."""

    def __init__(self, since: int = 1) -> None:
        self.since = since

    def prune(self, study: Any, trial: Any) -> bool:
        return trial.last_step >= self.since


def trainer(*callbacks: Any, **keywords: Any) -> leyden.Trainer:
    return leyden.Trainer(
        max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks), **keywords,
    )  # fmt: skip


def test_a_trial_is_pruned_and_reports_each_epoch(studied: Any) -> None:
    def objective(trial: optuna.Trial) -> float:
        run = trainer(PyTorchLightningPruningCallback(trial, monitor="val_loss"))
        run.fit(studied.Line(), studied.Numbers())
        return float(run.callback_metrics["val_loss"])

    study = optuna.create_study(pruner=Always())
    study.optimize(objective, n_trials=1)
    (trial,) = study.trials
    assert trial.state is optuna.trial.TrialState.PRUNED
    assert list(trial.intermediate_values) == [0, 1]


def test_without_validation_training_epochs_report(studied: Any) -> None:
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    trial = study.ask()
    run = trainer(OptunaPruningCallback(trial, "train_loss_epoch"))
    module = studied.Line()
    with pytest.warns(leyden.utilities.LeydenWarning, match=r"\[no-validation-data\]"):
        run.fit(module, studied.Numbers().train_dataloader())
    assert list(study.trials[0].intermediate_values) == [0, 1, 2, 3]


def test_a_metric_that_is_not_there_warns(studied: Any) -> None:
    trial = optuna.create_study().ask()
    with pytest.warns(leyden.utilities.LeydenWarning, match=r"\[optuna-monitor\].*'val_loss'"):
        trainer(OptunaPruningCallback(trial, "loss")).fit(studied.Line(), studied.Numbers())


class TwoRanks(HostStrategy):
    """One of two processes; what rank zero broadcast is kept for the other."""

    def __init__(self, rank: int, said: list[Any]) -> None:
        super().__init__(rank, 2)
        self.rank, self.said = rank, said

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        if not isinstance(obj, bool):
            return obj
        if self.rank == 0:
            self.said.append(obj)
            return obj
        return self.said.pop(0)


@pytest.mark.parametrize("storage", ["rdb", "journal"])
def test_two_ranks_stop_together(storage: str, studied: Any, tmp_path: Path) -> None:
    kept: Any = "sqlite:///study.db"
    if storage == "journal":
        backend = optuna.storages.journal.JournalFileBackend("study.journal")
        kept = optuna.storages.JournalStorage(backend)
    study = optuna.create_study(storage=kept, pruner=Always())
    trial, said = study.ask(), []
    for rank in (0, 1):
        callback = OptunaPruningCallback(trial, "val_loss")
        run = trainer(callback, accelerator=HostAccelerator(), strategy=TwoRanks(rank, said))
        run.fit(studied.Line(), studied.Numbers())
        assert run.current_epoch == 2
        with pytest.raises(optuna.TrialPruned, match="epoch 1"):
            callback.check_pruned()
    assert list(study.trials[0].intermediate_values) == [0, 1]
    if storage == "rdb":
        study._storage._backend.engine.dispose()


def test_two_ranks_need_a_shared_storage(studied: Any) -> None:
    trial = optuna.create_study().ask()
    run = trainer(
        OptunaPruningCallback(trial, "val_loss"), accelerator=HostAccelerator(), strategy=TwoRanks(0, [])
    )
    with pytest.raises(ConfigurationError, match="kept in memory"):
        run.fit(studied.Line(), studied.Numbers())


def test_a_trial_that_goes_on_is_not_pruned() -> None:
    OptunaPruningCallback(optuna.create_study().ask(), "val_loss").check_pruned()


@pytest.mark.parametrize(("trial", "monitor", "name"), [(None, "a", "trial"), (1, "", "monitor")])
def test_arguments_are_checked(trial: Any, monitor: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        OptunaPruningCallback(trial, monitor)
