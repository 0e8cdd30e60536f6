"""``cross_validate``: a fresh module and a fresh Trainer in each fold."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Subset

from leyden import Trainer, seed_everything
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden.utilities import isolate_rng
from leyden_kfold.results import CrossValidation, Fold

QUIET = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
SEEDS = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS")


@dataclass(frozen=True)
class _Work:
    """What every fold needs."""

    module: Callable[[], Any]
    dataset: Any
    trainer: Mapping[str, Any]
    loader: Mapping[str, Any]
    seed: int
    ckpt_path: str | None


def cross_validate(
    module: Callable[[], Any],
    dataset: Any,
    folds: Any = 5,
    *,
    labels: Any = None,
    groups: Any = None,
    trainer: Mapping[str, Any] | None = None,
    loader: Mapping[str, Any] | None = None,
    ckpt_path: str | None = None,
    seed: int = 0,
    n_jobs: int = 1,
) -> CrossValidation:
    """Train and validate once for each fold of a dataset.

    In each fold the random generators are seeded with ``seed`` plus the fold's number, so that a repetition gives the
    same numbers, in one process or in several. The generators of the calling process are as before afterwards.

    Args:
        module: makes a fresh LightningModule, e.g. its class.
        dataset: a map-style dataset; the folds are subsets of it.
        folds: their number, or a splitter of scikit-learn (anything with ``split(X, y, groups)``). A number shuffles;
            with ``labels`` the folds are stratified.
        labels: a label for each sample, shape (len(dataset),), for stratification.
        groups: a group for each sample, for splitters that keep groups together.
        trainer: the Trainer's keywords. Logger, checkpoints, progress bar and summary are off unless given here; the
            files of each fold go to ``<default_root_dir>/fold_<number>``.
        loader: arguments of the ``DataLoader``; training data are shuffled.
        ckpt_path: ``"best"`` validates the weights of the best checkpoint instead of the last ones.
        seed: of splits, modules and shuffling.
        n_jobs: how many processes train folds; then ``module`` and ``dataset`` must be picklable.

    Returns:
        The folds with their metrics.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible, or cannot be pickled.
        KeyboardInterrupt: Ctrl-C ended a fit.
    """
    if not callable(module) or isinstance(module, torch.nn.Module):
        raise ArgumentTypeError.about(
            "module", module, "a class or function that makes a LightningModule", "A fold needs a fresh one."
        )
    _check_count("n_jobs", n_jobs, 1)
    _check_count("seed", seed, 0)
    if ckpt_path not in (None, "best", "last"):
        raise ConfigurationError.about("ckpt_path", ckpt_path, "None, 'best' or 'last'")
    splits = _splits(dataset, folds, labels, groups, seed)
    work = _Work(module, dataset, dict(trainer or {}), dict(loader or {}), seed, ckpt_path)
    numbered = list(enumerate(splits))
    if n_jobs == 1:
        with _as_before():
            return CrossValidation(tuple(_fold(work, number, *split) for number, split in numbered))
    return CrossValidation(tuple(_in_processes(work, numbered, n_jobs)))


def _splits(
    dataset: Any, folds: Any, labels: Any, groups: Any, seed: int
) -> list[tuple[list[int], list[int]]]:
    from sklearn.model_selection import KFold, StratifiedKFold

    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise ArgumentTypeError.about("dataset", dataset, "a dataset with a length and items")
    if hasattr(folds, "split") and not isinstance(folds, str):
        splitter = folds
    else:
        _check_count("folds", folds, 2)
        if folds > len(dataset):
            raise ConfigurationError.about(
                "folds", folds, f"at most the {len(dataset)} samples of the dataset"
            )
        kind = KFold if labels is None else StratifiedKFold
        splitter = kind(folds, shuffle=True, random_state=seed)
    for name, given in (("labels", labels), ("groups", groups)):
        if given is not None and len(given) != len(dataset):
            raise ConfigurationError.about(name, given, f"one for each of the {len(dataset)} samples")
    found = splitter.split(range(len(dataset)), labels, groups)
    return [(train.tolist(), val.tolist()) for train, val in found]


def _fold(work: _Work, number: int, train: list[int], val: list[int]) -> Fold:
    """Train and validate one fold."""
    seed_everything(work.seed + number, workers=True, verbose=False)
    module = work.module()
    trainer = _trainer(work, number)
    order = torch.Generator().manual_seed(work.seed + number)
    learned = DataLoader(Subset(work.dataset, train), **{"shuffle": True, "generator": order, **work.loader})
    kept = DataLoader(Subset(work.dataset, val), **{**work.loader, "shuffle": False, "drop_last": False})
    trainer.fit(module, learned, kept)
    _unless_interrupted(trainer)
    found = trainer.validate(module, kept, ckpt_path=work.ckpt_path, verbose=False)
    _unless_interrupted(trainer)
    metrics = {name: float(value) for one in found for name, value in one.items()}
    if not metrics:
        raise UserCodeError(
            f"{type(module).__name__} logged nothing in validation_step, so there is nothing to compare. Use self.log."
        )
    best = getattr(trainer.checkpoint_callback, "best_model_path", "") or ""
    return Fold(number, metrics, len(train), len(val), best)


def _trainer(work: _Work, number: int) -> Trainer:
    given = {**dict.fromkeys(QUIET, False), **work.trainer}
    root = os.path.join(str(given.get("default_root_dir") or "."), f"fold_{number}")
    callbacks = given.get("callbacks")
    if callbacks is not None:
        import copy

        given["callbacks"] = copy.deepcopy(callbacks)  # a callback of one fold must not remember another
    return Trainer(**{**given, "default_root_dir": root})


def _unless_interrupted(trainer: Trainer) -> None:
    if trainer.interrupted:
        raise KeyboardInterrupt


def _in_processes(work: _Work, splits: list[Any], n_jobs: int) -> Iterator[Fold]:
    try:
        pickled = pickle.dumps(work)
    except Exception as error:
        raise ConfigurationError(
            f"With n_jobs={n_jobs} module, dataset and keywords go to other processes, and they cannot be pickled: "
            f"{error}. Define classes and functions in a module rather than inside a function, or pass n_jobs=1."
        ) from error
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(n_jobs, len(splits)), context) as pool:
        futures = [pool.submit(_run, pickled, n_jobs, number, *split) for number, split in splits]
        try:
            for one in futures:
                yield one.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _run(pickled: bytes, n_jobs: int, number: int, train: list[int], val: list[int]) -> Fold:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // n_jobs))
    return _fold(pickle.loads(pickled), number, train, val)


@contextmanager
def _as_before() -> Iterator[None]:
    """Generators and seeds of the process are as before afterwards."""
    seeds = {name: os.environ.get(name) for name in SEEDS}
    try:
        with isolate_rng():
            yield
    finally:
        for name, value in seeds.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _check_count(name: str, value: Any, least: int) -> None:
    allowed = f"an int of at least {least}" + (", or a splitter" if name == "folds" else "")
    if type(value) is not int:
        raise ArgumentTypeError.about(name, value, allowed)
    if value < least:
        raise ConfigurationError.about(name, value, allowed)
