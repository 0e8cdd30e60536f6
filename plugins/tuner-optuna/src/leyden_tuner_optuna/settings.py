"""The options of a study, checked before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean, listed

SAMPLERS: dict[str, Callable[[int | None], Any]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "nsgaii": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "qmc": lambda seed: optuna.samplers.QMCSampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}
PRUNERS: dict[str, Callable[[], Any]] = {
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "successive-halving": optuna.pruners.SuccessiveHalvingPruner,
    "none": optuna.pruners.NopPruner,
}
DIRECTIONS = ("minimize", "maximize")


@dataclass
class Settings:
    """What ``OptunaTuner.tune`` is given.

    Attributes:
        n_trials: how many trials this call runs; ``None`` for no limit, then ``timeout`` ends it.
        timeout: seconds after which no further trial begins.
        direction: ``"minimize"``, ``"maximize"``, or a list of them for several objectives.
        sampler: a name of :data:`SAMPLERS` or an optuna sampler.
        pruner: a name of :data:`PRUNERS` or an optuna pruner.
        seed: of a sampler that is given by name.
        storage: an RDB URL (``sqlite:///study.db``), the path of a journal file, an optuna storage, or ``None``.
        study_name: the study's name in the storage.
        resume: go on with the study of that name; otherwise it must not be there.
        n_jobs: how many processes run trials.
        show_progress_bar: show how many trials are done, and the best value.
        plots: the folder into which plots are written.
        catch: exceptions that fail a trial and do not end the study.
        callbacks: called with study and trial after each trial, in the process that ran it.
    """

    n_trials: int | None = None
    timeout: float | None = None
    direction: str | Sequence[str] = "minimize"
    sampler: Any = "tpe"
    pruner: Any = "median"
    seed: int | None = None
    storage: Any = None
    study_name: str | None = None
    resume: bool = False
    n_jobs: int = 1
    show_progress_bar: bool = False
    plots: str | os.PathLike[str] | None = None
    catch: tuple[type[Exception], ...] = ()
    callbacks: Sequence[Callable[[optuna.Study, optuna.trial.FrozenTrial], None]] = ()

    @classmethod
    def of(cls, options: dict[str, Any]) -> Settings:
        """Check options.

        Raises:
            leyden.errors.ConfigurationError: one is unknown or not possible.
        """
        names = [one.name for one in fields(cls)]
        for name, value in options.items():
            if name not in names:
                hint = did_you_mean(name, names)
                raise ConfigurationError.about(
                    f"tune option {name!r}", value, f"one of {listed(names)}", hint
                )
        made = cls(**options)
        made.check()
        return made

    def check(self) -> None:
        """Raise for what cannot be."""
        _count("n_trials", self.n_trials, optional=True)
        _count("n_jobs", self.n_jobs)
        if self.timeout is not None and not (
            isinstance(self.timeout, int | float) and not isinstance(self.timeout, bool) and self.timeout > 0
        ):
            raise ConfigurationError.about("timeout", self.timeout, "seconds above 0, or None")
        if self.n_trials is None and self.timeout is None:
            raise ConfigurationError.about("n_trials", None, "an int of at least 1, unless timeout is given")
        for one in self.directions:
            if one not in DIRECTIONS:
                raise ConfigurationError.about(
                    "direction", self.direction, "'minimize', 'maximize' or a list"
                )
        for flag in ("resume", "show_progress_bar"):
            if not isinstance(getattr(self, flag), bool):
                raise ArgumentTypeError.about(flag, getattr(self, flag), "True or False")
        if self.resume and (self.study_name is None or self.storage is None):
            raise ConfigurationError.about("resume", True, "False without study_name and storage")
        if self.n_jobs > 1 and isinstance(self.storage, BaseStorage):
            _shared(self.storage)
        self.made_sampler(0)
        self.made_pruner()

    @property
    def directions(self) -> list[Any]:
        """One word an objective."""
        return [self.direction] if isinstance(self.direction, str) else list(self.direction)

    def made_sampler(self, worker: int) -> Any:
        """The sampler; of several processes each has a seed of its own."""
        if isinstance(self.sampler, optuna.samplers.BaseSampler):
            return self.sampler
        if self.sampler not in SAMPLERS:
            hint = did_you_mean(str(self.sampler), SAMPLERS)
            raise ConfigurationError.about(
                "sampler", self.sampler, f"one of {listed(SAMPLERS)}, or a sampler", hint
            )
        if self.sampler == "tpe" and len(self.directions) > 1:
            return SAMPLERS["nsgaii"](None if self.seed is None else self.seed + worker)
        return SAMPLERS[self.sampler](None if self.seed is None else self.seed + worker)

    def made_pruner(self) -> Any:
        """The pruner."""
        if isinstance(self.pruner, optuna.pruners.BasePruner):
            return self.pruner
        if self.pruner not in PRUNERS:
            hint = did_you_mean(str(self.pruner), PRUNERS)
            raise ConfigurationError.about(
                "pruner", self.pruner, f"one of {listed(PRUNERS)}, or a pruner", hint
            )
        return PRUNERS[self.pruner]()


def made_storage(storage: Any) -> Any:
    """An optuna storage from a URL, the path of a journal file, or itself."""
    if storage is None or isinstance(storage, BaseStorage):
        return storage
    if not isinstance(storage, str | os.PathLike) or not str(storage):
        allowed = "an RDB URL, the path of a journal file, an optuna storage, or None"
        raise ArgumentTypeError.about("storage", storage, allowed)
    text = str(storage)
    if "://" not in text:
        Path(text).absolute().parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(text))
    waiting = {"connect_args": {"timeout": 60}} if text.startswith("sqlite") else None
    return RDBStorage(text, engine_kwargs=waiting)


def _shared(storage: BaseStorage) -> None:
    if isinstance(storage, optuna.storages.InMemoryStorage):
        raise ConfigurationError.about("storage", storage, "one that processes share, with n_jobs above 1")


def _count(name: str, value: Any, optional: bool = False) -> None:
    if value is None and optional:
        return
    if type(value) is not int or value < 1:
        raise ConfigurationError.about(name, value, f"an int of at least 1{', or None' if optional else ''}")
