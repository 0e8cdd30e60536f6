"""From what users hand over as data to batches on a device."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler

from leyden.api.combined import CombinedLoader, length
from leyden.api.rng import rng_state, set_rng_state
from leyden.api.warn import warn
from leyden.plugins.errors import ConfigurationError, UserCodeError, shown


class LoaderBatches:
    """The batches of one loader, up to a limit, prepared for the step.

    Args:
        loader: any iterable of batches.
        limit: batches to run.
        prepare: called with each batch, e.g. to move it to the device; ``None`` when there is nothing to do.
        name: what users call the loader, for messages.

    Attributes:
        started_with: the random state from which the running pass was started.
    """

    def __init__(self, loader: Any, limit: float, prepare: Callable[[Any], Any] | None, name: str) -> None:
        self.loader, self.limit, self.prepare, self.name = loader, limit, prepare, name
        self.started_with: dict[str, Any] | None = None
        self.resume_from: dict[str, Any] | None = None

    def limited_to(self, limit: float) -> LoaderBatches:
        """The same loader with a tighter limit."""
        return LoaderBatches(self.loader, min(self.limit, limit), self.prepare, self.name)

    def iterate(self, skip: int = 0) -> Iterator[tuple[Any, bool]]:
        """Yield batches with whether each is the last. An exhausted loader ends the pass before its limit."""
        if self.limit == 0:
            return
        iterator = self._start(skip)
        try:
            yield from self._with_lookahead(iterator) if self.limit == inf else self._counted(iterator, skip)
        finally:
            end_workers(iterator)

    def _counted(self, iterator: Iterator[Any], skip: int) -> Iterator[tuple[Any, bool]]:
        prepare, limit, index = self.prepare, self.limit, skip
        for batch in iterator:
            index += 1
            yield (prepare(batch) if prepare else batch), index >= limit
            if index >= limit:
                return
        if index == 0:
            raise empty(self.name)
        warn(
            "short-loader",
            f"{self.name} ended after {index} of {int(limit)} batches, so the epoch's last batch was not "
            "known as such: validation and schedulers due there were left out. Make its length true.",
        )

    def _with_lookahead(self, iterator: Iterator[Any]) -> Iterator[tuple[Any, bool]]:
        # without a length, one batch is fetched ahead to know the last
        prepare = self.prepare
        nothing = object()
        batch = next(iterator, nothing)
        if batch is nothing:
            raise empty(self.name)
        while batch is not nothing:
            following = next(iterator, nothing)
            yield (prepare(batch) if prepare else batch), following is nothing
            batch = following

    def _start(self, skip: int) -> Iterator[Any]:
        if self.resume_from is None:
            self.started_with = self.randomness()
            return _dropped(iter(self.loader), skip)
        self.started_with, now = self.resume_from, self.randomness()
        self.resume_from = None
        self.set_randomness(self.started_with)
        iterator = skipped(self.loader, skip)
        self.set_randomness(now)
        return iterator

    def randomness(self) -> dict[str, Any]:
        """The state of the process's generators, and of those that the loader and its samplers have of their own."""
        return {**rng_state(), "loader": [one.get_state() for one in generators(self.loader)]}

    def set_randomness(self, state: dict[str, Any]) -> None:
        """Give them that state."""
        set_rng_state(state)
        for one, value in zip(generators(self.loader), state["loader"], strict=False):
            one.set_state(value)


def generators(loader: Any) -> list[torch.Generator]:
    """The generators of a loader and its samplers, each once."""
    found: list[torch.Generator] = []
    for one in flattened(loader):
        batches = getattr(one, "batch_sampler", None)
        for owner in (one, getattr(one, "sampler", None), batches, getattr(batches, "sampler", None)):
            generator = getattr(owner, "generator", None)
            if isinstance(generator, torch.Generator) and not any(generator is other for other in found):
                found.append(generator)
    return found


def end_workers(iterator: Any) -> None:
    """End the worker processes of a DataLoader's iterator that is left before its end; those to be kept are kept."""
    shut_down = getattr(iterator, "_shutdown_workers", None)
    if shut_down is not None and not getattr(iterator, "_persistent_workers", False):
        shut_down()


def _dropped(iterator: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        next(iterator, None)
    return iterator


def skipped(loader: Any, count: int) -> Iterator[Any]:
    """An iterator that begins after ``count`` batches; of a map-style DataLoader, without loading those."""
    if (
        not isinstance(loader, DataLoader)
        or isinstance(loader.dataset, IterableDataset)
        or type(loader).__iter__ is not DataLoader.__iter__
    ):
        return _dropped(iter(loader), count)
    name = "batch_sampler" if loader.batch_sampler is not None else "sampler"
    sampler = SkippingSampler(getattr(loader, name), count)
    iterator = iter(with_attribute(loader, name, sampler))
    sampler.skip()
    return iterator


def with_attribute(loader: DataLoader[Any], name: str, value: Any) -> DataLoader[Any]:
    """The same loader with another sampler; the user's own is not touched, and nothing is constructed again."""
    other = copy.copy(loader)
    vars(other)[name] = value  # DataLoader.__setattr__ refuses samplers after construction
    if name == "sampler" and other.batch_sampler is not None and hasattr(other.batch_sampler, "sampler"):
        batches = copy.copy(other.batch_sampler)
        batches.sampler = value
        vars(other)["batch_sampler"] = batches
    return other


class SkippingSampler:
    """A sampler without its first items. They are drawn as late as the sampler itself would draw its first one, so that
    random numbers are consumed in the same order as in the pass that is continued."""

    def __init__(self, sampler: Any, count: int) -> None:
        self.sampler, self.count = sampler, count
        self._iterator: Iterator[Any] | None = None
        self._left = 0

    def __iter__(self) -> Iterator[Any]:
        self._iterator, self._left = iter(self.sampler), self.count
        return self

    def __next__(self) -> Any:
        self.skip()
        assert self._iterator is not None
        return next(self._iterator)

    def __len__(self) -> int:
        return max(0, len(self.sampler) - self.count)

    def skip(self) -> None:
        """Draw the items to be left out, unless that was done."""
        assert self._iterator is not None
        while self._left:
            self._left -= 1
            next(self._iterator, None)


def empty(name: str) -> ConfigurationError:
    """The error for data without a batch."""
    return ConfigurationError(
        f"{name} has no batches. Check the dataset's size; with drop_last=True a dataset smaller than "
        "batch_size gives none."
    )


def training_loader(given: Any, name: str = "train_dataloader") -> Any:
    """The training data as one iterable; collections of loaders are combined, the shorter ones cycled."""
    if isinstance(given, CombinedLoader):
        if given.mode == "sequential":
            raise ConfigurationError.about(
                "CombinedLoader(mode)",
                "sequential",
                "'min_size', 'max_size_cycle' or 'max_size' for training",
            )
        return BatchesOnly(given)
    if isinstance(given, Mapping | Sequence) and not isinstance(given, str | bytes):
        _each(given, name)
        combined = CombinedLoader(given, "max_size_cycle")
        if not combined.flattened or any(length(one) == 0 for one in combined.flattened):
            raise empty(name)
        return BatchesOnly(combined)
    return _iterable(given, name)


def evaluation_loaders(given: Any, name: str) -> list[Any]:
    """Evaluation data as a list of loaders that follow one another."""
    if isinstance(given, CombinedLoader):
        return list(given.flattened) if given.mode == "sequential" else [BatchesOnly(given)]
    if isinstance(given, Mapping | Sequence) and not isinstance(given, str | bytes):
        _each(given, name)
        return CombinedLoader(given, "sequential").flattened
    return [_iterable(given, name)]


def flattened(loader: Any) -> list[Any]:
    """The loaders that a loader is made of."""
    return list(loader.combined.flattened) if isinstance(loader, BatchesOnly) else [loader]


class BatchesOnly:
    """A combined loader without the indices that it yields beside batches."""

    def __init__(self, combined: CombinedLoader) -> None:
        self.combined = combined

    def __len__(self) -> int:
        return len(self.combined)

    def __iter__(self) -> Iterator[Any]:
        return (batch for batch, _, _ in self.combined)


def _each(collection: Any, name: str) -> None:
    """Refuse a collection with something in it that is no iterable."""
    for one in collection.values() if isinstance(collection, Mapping) else collection:
        if isinstance(one, Mapping | list | tuple):
            _each(one, name)
        else:
            _iterable(one, name)


def _iterable(given: Any, name: str) -> Any:
    if (
        given is None
        or isinstance(given, str | bytes | type)
        or not (hasattr(given, "__iter__") or hasattr(given, "__getitem__"))
    ):
        raise UserCodeError(
            f"{name} gave {shown(given)} ({type(given).__name__}); allowed is an iterable of batches (a DataLoader), "
            "or a list, tuple or dict of such."
        )
    return given


def limited(loader: Any, limit: float | int, keyword: str) -> float:
    """How many batches a limit leaves of a loader.

    Args:
        loader: the loader.
        limit: an int is a count, a float a fraction of the loader's length.
        keyword: the Trainer keyword it came from.

    Raises:
        leyden.errors.ConfigurationError: the fraction leaves nothing, or the loader has no length to take it of.
    """
    size = length(loader)
    if isinstance(limit, int):
        return min(size, limit)
    if limit == 1.0 or limit == 0.0:
        return size if limit else 0
    if size == inf:
        raise ConfigurationError.about(keyword, limit, "an int, or 1.0, for a loader without a length")
    count = int(size * limit)
    if count == 0 and size > 0:
        raise ConfigurationError.about(
            keyword,
            limit,
            f"0.0, or a fraction of at least {1 / size:.4g}",
            f"The loader has {int(size)} batch(es), so this leaves none.",
        )
    return count


def without_shuffling(loader: Any, keyword: str) -> Any:
    """The loader in the order of its dataset, for overfitting; says so when that changes something."""
    parts, build = (
        ([loader], None) if not isinstance(loader, BatchesOnly) else (loader.combined.flattened, loader)
    )
    changed = [
        with_attribute(one, "sampler", SequentialSampler(one.dataset))  # type: ignore[arg-type]
        if isinstance(one, DataLoader) and isinstance(one.sampler, RandomSampler)
        else one
        for one in parts
    ]
    if any(new is not old for new, old in zip(changed, parts, strict=True)):
        warn("overfit-sequential", f"{keyword} turns shuffling off: the same batches come in every epoch.")
    if build is None:
        return changed[0]
    combined = CombinedLoader(build.combined.iterables, build.combined.mode)
    combined.flattened = changed
    return BatchesOnly(combined)


def loaders_of_datasets(dataset: Any, shuffle: bool, batch_size: int, num_workers: int) -> Callable[[], Any]:
    """A dataloader hook for a dataset, or for a sequence or mapping of datasets."""

    def make(one: Any) -> DataLoader[Any]:
        mixed = shuffle and not isinstance(one, IterableDataset)
        return DataLoader(
            one, batch_size=batch_size, shuffle=mixed, num_workers=num_workers, pin_memory=_pinned()
        )

    if isinstance(dataset, Mapping):
        return lambda: {key: make(one) for key, one in dataset.items()}
    if isinstance(dataset, Sequence):
        return lambda: [make(one) for one in dataset]
    return lambda: make(dataset)


def _pinned() -> bool:
    return torch.cuda.is_available()
