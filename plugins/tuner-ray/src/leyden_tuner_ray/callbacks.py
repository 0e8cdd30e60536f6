"""Callbacks that report metrics, and checkpoints, to Ray Tune."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean, listed

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

HOOKS = tuple(sorted(name.removeprefix("on_") for name in vars(Callback) if name.startswith("on_")))
"""What ``on`` may be: the hooks of a callback, without ``on_``."""

_WITH_STATE = ("save_checkpoint", "load_checkpoint")


class TuneReportCheckpointCallback(Callback):
    """Reports metrics to Ray Tune together with a checkpoint of the run, which PBT and resumed trials start from.

    Rank zero alone reports. During the sanity check nothing is reported. A metric that was not logged is left out, with
    a warning.

    Args:
        metrics: what is reported: ``None`` for all metrics, a name, a list of names, or a dict of Tune's names to the
            module's.
        filename: the checkpoint's name in the folder that Tune keeps.
        save_checkpoints: whether a checkpoint goes with the metrics.
        on: the hook or hooks in which it happens, without ``on_``, e.g. ``"train_epoch_end"``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        metrics: str | list[str] | dict[str, str] | None = None,
        filename: str = "checkpoint",
        save_checkpoints: bool = True,
        on: str | list[str] = "validation_end",
    ) -> None:
        self._metrics = _metrics(metrics)
        if not isinstance(filename, str) or not filename or os.path.basename(filename) != filename:
            raise ConfigurationError.about("filename", filename, "the name of a file, without a folder")
        if not isinstance(save_checkpoints, bool):
            raise ArgumentTypeError.about("save_checkpoints", save_checkpoints, "True or False")
        self._filename, self._save_checkpoints = filename, save_checkpoints
        self._on = _hooks(on)
        for hook in self._on:  # on the instance, so that other hooks cost nothing
            self.__dict__[f"on_{hook}"] = partial(_handle, self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("on_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for hook in self._on:
            self.__dict__[f"on_{hook}"] = partial(_handle, self)

    @property
    def state_key(self) -> str:
        return self._generate_state_key(on=list(self._on), save_checkpoints=self._save_checkpoints)

    def report(self, trainer: Trainer) -> None:
        """Report now."""
        if trainer.sanity_checking:
            return
        found = self._found(trainer)
        if not found:
            return
        if not self._save_checkpoints:
            if trainer.is_global_zero:
                _tell(found, None)
            return
        with tempfile.TemporaryDirectory() as own:
            folder = trainer.strategy.broadcast(own)
            trainer.save_checkpoint(os.path.join(folder, self._filename))
            if trainer.is_global_zero:
                _tell(found, folder)
            trainer.strategy.barrier("tune_report")  # the folder stays until every process has written

    def _found(self, trainer: Trainer) -> dict[str, float]:
        """The values to report, by Tune's names."""
        metrics = trainer.callback_metrics
        wanted = {name: name for name in metrics} if self._metrics is None else self._metrics
        missing = [name for name in wanted.values() if name not in metrics]
        if missing:
            warn("tune-metric", f"Ray Tune is not told {listed(missing)}; there are {listed(metrics)}.")
        return {name: float(metrics[own]) for name, own in wanted.items() if own in metrics}


class TuneReportCallback(TuneReportCheckpointCallback):
    """Reports metrics to Ray Tune, without checkpoints.

    Args:
        metrics: as for :class:`TuneReportCheckpointCallback`.
        on: the hook or hooks in which it happens, without ``on_``.
    """

    def __init__(
        self,
        metrics: str | list[str] | dict[str, str] | None = None,
        on: str | list[str] = "validation_end",
    ) -> None:
        super().__init__(metrics, save_checkpoints=False, on=on)


def _handle(
    callback: TuneReportCheckpointCallback, trainer: Trainer, pl_module: LightningModule, *_: Any
) -> None:
    callback.report(trainer)


def _tell(metrics: Mapping[str, float], folder: str | None) -> None:
    from ray import tune

    checkpoint = None if folder is None else tune.Checkpoint.from_directory(folder)
    tune.report(dict(metrics), checkpoint=checkpoint)


def _metrics(given: Any) -> dict[str, str] | None:
    if not given:
        return None
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Sequence):
        given = {name: name for name in given}
    if isinstance(given, Mapping) and all(isinstance(one, str) for pair in given.items() for one in pair):
        return dict(given)
    raise ArgumentTypeError.about(
        "metrics", given, "None, a name, a list of names, or a dict of names to names"
    )


def _hooks(given: Any) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not names:
        raise ArgumentTypeError.about("on", given, "a hook without 'on_', or a list of such")
    for name in names:
        if name in _WITH_STATE or name not in HOOKS:
            hint = did_you_mean(str(name).removeprefix("on_"), HOOKS)
            allowed = f"one of {listed(one for one in HOOKS if one not in _WITH_STATE)}"
            raise ConfigurationError.about("on", name, allowed, hint)
    return tuple(names)
