"""Trials in several processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

import optuna

from leyden.errors import ConfigurationError
from leyden_tuner_optuna.settings import Settings, made_storage
from leyden_tuner_optuna.suggestion import suggest

STOP = "leyden:stop"
"""The study's attribute with which one process asks the others to begin no further trial."""

POLL = 0.5
"""Seconds between two looks at how far the processes are."""


def run_in_processes(
    study: optuna.Study,
    objective: Callable[[dict[str, Any]], Any],
    space: Any,
    settings: Settings,
    storage: Any,
    bar: Callable[[Any, Any], None],
) -> None:
    """Run a study's trials in ``settings.n_jobs`` new processes.

    Raises:
        leyden.errors.ConfigurationError: what the processes need cannot be pickled.
        Exception: what a trial raised, after the trials that were running in the other processes.
    """
    shared = settings.storage if isinstance(settings.storage, str | os.PathLike) else storage
    plain = Settings(**{**vars(settings), "storage": None, "plots": None, "show_progress_bar": False})
    try:
        work = pickle.dumps((objective, space, plain, shared, study.study_name, _verbosity()))
    except Exception as error:
        raise ConfigurationError(
            f"With n_jobs={settings.n_jobs} objective, space and options go to other processes, and they cannot "
            f"be pickled: {error}. Define classes and functions in a module rather than inside a function, or "
            "pass n_jobs=1."
        ) from error
    study.set_user_attr(STOP, False)
    shares = _shares(settings)
    with ProcessPoolExecutor(len(shares), multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_work, work, index, share) for index, share in enumerate(shares)]
        failure = _wait(futures, study, bar)
    if failure is not None:
        raise failure


def _verbosity() -> int:
    """That of this process, without a line for each trial: those of several processes would be mixed."""
    return max(optuna.logging.WARNING, optuna.logging.get_verbosity())


def _shares(settings: Settings) -> list[int | None]:
    """How many trials each process runs."""
    if settings.n_trials is None:
        return [None] * settings.n_jobs
    whole, rest = divmod(settings.n_trials, settings.n_jobs)
    shares = [whole + (index < rest) for index in range(settings.n_jobs)]
    return [one for one in shares if one]


def _wait(
    futures: list[Future[None]], study: optuna.Study, bar: Callable[[Any, Any], None]
) -> BaseException | None:
    waiting, failure = set(futures), None
    bar(study, None)
    while waiting:
        done, waiting = wait(waiting, POLL, FIRST_COMPLETED)
        bar(study, None)
        for one in done:
            error = one.exception()
            if error is not None and failure is None:
                failure = error
                study.set_user_attr(STOP, True)
    return failure


def _work(pickled: bytes, index: int, share: int | None) -> None:
    """What one process does."""
    objective, space, settings, shared, name, verbosity = pickle.loads(pickled)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(max(1, (os.cpu_count() or 1) // settings.n_jobs))
    optuna.logging.set_verbosity(verbosity)
    study = optuna.load_study(
        study_name=name,
        storage=made_storage(shared),
        sampler=settings.made_sampler(index),
        pruner=settings.made_pruner(),
    )
    study.optimize(
        lambda trial: objective(suggest(trial, space)),
        n_trials=share,
        timeout=settings.timeout,
        catch=settings.catch,
        callbacks=[*settings.callbacks, _stop_when_asked],
    )


def _stop_when_asked(study: optuna.Study, trial: Any) -> None:
    if study.user_attrs.get(STOP):
        study.stop()
