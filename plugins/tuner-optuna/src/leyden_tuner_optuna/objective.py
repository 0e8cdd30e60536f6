"""The objective of a study over a LightningModule's hyper-parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from leyden import LightningDataModule, Trainer, seed_everything
from leyden.errors import ConfigurationError, UserCodeError
from leyden.plugins.errors import did_you_mean, listed
from leyden_tuner_optuna.pruning import OptunaPruningCallback
from leyden_tuner_optuna.suggestion import Suggestion

QUIET = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
PARTS = ("data", "trainer")


@dataclass
class ModuleObjective:
    """Trains a fresh module with a fresh Trainer and returns the metric (or metrics) at the end.

    A hyper-parameter named ``data.NAME`` goes to ``data``, ``trainer.NAME`` to the Trainer, every other one to the
    module. It can be pickled, as parallel studies need, when ``module`` and ``data`` are classes or functions of
    a module.

    Attributes:
        module: the module's class, or a function that makes one from hyper-parameters.
        monitor: the metric, or a list of metrics for a multi-objective study.
        data: a LightningDataModule class (or a function) that makes the data from hyper-parameters; loaders that it
            returns are handed to ``fit`` (``(training, validation)``); ``None`` when the module has the loaders.
        trainer: the Trainer's keywords. Logger, checkpoints, progress bar and summary are off unless given here.
        arguments: further arguments of ``module``.
        prune: report ``monitor`` after each validation and let the study's pruner end the trial; with one metric alone.
        seed: seed the random generators before each trial.
    """

    module: Callable[..., Any]
    monitor: str | Sequence[str]
    data: Callable[..., Any] | None = None
    trainer: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    prune: bool = True
    seed: int | None = None

    def __call__(self, params: dict[str, Any]) -> float | list[float]:
        """Train once.

        Raises:
            optuna.TrialPruned: the pruner ended the trial.
            leyden.errors.ConfigurationError: module or data have no such argument.
            leyden.errors.UserCodeError: the module did not log what is monitored.
            KeyboardInterrupt: Ctrl-C ended the fit.
        """
        own, data, keywords = _split(params)
        if self.seed is not None:
            seed_everything(self.seed, workers=True, verbose=False)
        module = _made(self.module, {**self.arguments, **own})
        pruning = self._pruning(params)
        trainer = self._trainer(keywords, pruning)
        made = None if self.data is None else _made(self.data, data)
        if made is None or isinstance(made, LightningDataModule):
            trainer.fit(module, datamodule=made)
        else:
            trainer.fit(module, *(made if isinstance(made, tuple) else (made,)))
        if trainer.interrupted:
            raise KeyboardInterrupt
        if pruning is not None:
            pruning.check_pruned()
        return self._found(trainer)

    def _pruning(self, params: dict[str, Any]) -> OptunaPruningCallback | None:
        if self.prune and isinstance(self.monitor, str) and isinstance(params, Suggestion):
            return OptunaPruningCallback(params.trial, self.monitor)
        return None

    def _trainer(self, keywords: dict[str, Any], pruning: OptunaPruningCallback | None) -> Trainer:
        given = {**dict.fromkeys(QUIET, False), **self.trainer, **keywords}
        callbacks = given.pop("callbacks", None) or []
        callbacks = [*callbacks] if isinstance(callbacks, list | tuple) else [callbacks]
        return Trainer(callbacks=callbacks + ([pruning] if pruning else []), **given)

    def _found(self, trainer: Trainer) -> float | list[float]:
        names = [self.monitor] if isinstance(self.monitor, str) else list(self.monitor)
        metrics = trainer.callback_metrics
        for name in names:
            if name not in metrics:
                hint = did_you_mean(name, metrics)
                raise UserCodeError(
                    f"monitor={name!r}: the module logged no such metric; there are {listed(metrics)}. {hint}".rstrip()
                )
        values = [float(metrics[name]) for name in names]
        return values[0] if isinstance(self.monitor, str) else values


def _made(maker: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    form = signature(maker)
    try:
        form.bind(**arguments)
    except TypeError as error:
        hints = [did_you_mean(one, form.parameters) for one in arguments if one not in form.parameters]
        raise ConfigurationError(
            f"{getattr(maker, '__name__', maker)} does not take these hyper-parameters: {error}; it has "
            f"{listed(form.parameters)}. {' '.join(hints)}".rstrip()
        ) from error
    return maker(**arguments)


def _split(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The module's, the data's and the Trainer's."""
    groups: dict[str, dict[str, Any]] = {"": {}, **{part: {} for part in PARTS}}
    for name, value in params.items():
        part, dot, rest = name.partition(".")
        if dot and part not in PARTS:
            raise ConfigurationError.about(
                "space", name, "a name of the module's, 'data.NAME' or 'trainer.NAME'"
            )
        groups[part if dot else ""][rest if dot else name] = value
    return groups[""], groups["data"], groups["trainer"]
