"""Pruning: ending a trial whose metric promises little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import optuna

from leyden import Callback
from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import listed

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

PRUNED = "leyden:pruned"
"""The trial's attribute that says in which epoch it was pruned."""


class OptunaPruningCallback(Callback):
    """Reports a metric to a trial after each validation, and ends the fit when the study's pruner says so.

    It also answers to ``PyTorchLightningPruningCallback``, the name that it has in optuna-integration. The metric is
    reported with the epoch as its step; where nothing is validated, at the end of training epochs.

    In one process ``fit`` ends with ``optuna.TrialPruned``, which ``study.optimize`` understands. With several
    processes rank zero reports, all stop together, ``fit`` returns, and :meth:`check_pruned` raises the exception
    afterwards; the trial's storage must then be one that processes share (RDB or journal).

    Args:
        trial: the trial.
        monitor: the metric that the module logs.

    Raises:
        leyden.errors.ArgumentTypeError: ``monitor`` is no text, or ``trial`` is no trial.
    """

    leyden_monitors: ClassVar[bool] = True

    def __init__(self, trial: optuna.Trial, monitor: str) -> None:
        if not isinstance(monitor, str) or not monitor:
            raise ArgumentTypeError.about("monitor", monitor, "the name of a metric that the module logs")
        if not callable(getattr(trial, "report", None)):
            raise ArgumentTypeError.about("trial", trial, "an optuna.Trial")
        self.trial = trial
        self.monitor = monitor

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size > 1 and trainer.is_global_zero and _in_memory(self.trial):
            raise ConfigurationError(
                "Pruning with several processes needs a storage that they share, and this study is kept in memory. "
                "Make it with storage='sqlite:///study.db' or JournalStorage."
            )

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._judge(trainer, pl_module.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not sum(trainer.num_val_batches):
            self._judge(trainer, pl_module.current_epoch)

    def _judge(self, trainer: Trainer, epoch: int) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        value = trainer.callback_metrics.get(self.monitor)
        if value is None:
            names = listed(trainer.callback_metrics)
            warn("optuna-monitor", f"There is no metric {self.monitor!r} to prune by; there are {names}.")
            return
        verdict = False
        if trainer.is_global_zero:
            self.trial.report(float(value), step=epoch)
            verdict = self.trial.should_prune()
        if trainer.strategy.broadcast(verdict):
            self._prune(trainer, epoch)

    def _prune(self, trainer: Trainer, epoch: int) -> None:
        if trainer.is_global_zero:
            self.trial.set_user_attr(PRUNED, epoch)
        if trainer.world_size == 1:
            raise optuna.TrialPruned(_message(epoch))
        trainer.should_stop = True

    def check_pruned(self) -> None:
        """Raise what ``fit`` could not raise in other processes; call it after ``fit``.

        Raises:
            optuna.TrialPruned: the trial was pruned.
        """
        study = getattr(self.trial, "study", None)
        attributes: dict[str, Any] = self.trial.user_attrs
        if study is not None:
            trials = study.get_trials(deepcopy=False)
            attributes = next(one.user_attrs for one in trials if one.number == self.trial.number)
        if PRUNED in attributes:
            raise optuna.TrialPruned(_message(attributes[PRUNED]))


PyTorchLightningPruningCallback = OptunaPruningCallback


def _message(epoch: int) -> str:
    return f"The trial was pruned in epoch {epoch}."


def _in_memory(trial: Any) -> bool:
    storage = getattr(getattr(trial, "study", None), "_storage", None)
    return isinstance(storage, optuna.storages.InMemoryStorage)
