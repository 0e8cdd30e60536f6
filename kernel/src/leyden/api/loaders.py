"""From what users hand over as data to batches on a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler

from leyden.api.collection import Collection
from leyden.api.combined import CombinedLoader, length
from leyden.api.resumable import ResumableCombination, ResumableLoader, with_attribute
from leyden.api.saved_hparams import is_plain
from leyden.api.warn import warn
from leyden.errors import UserCodeTypeError
from leyden.plugins.errors import ConfigurationError, shown

NOTHING: Any = object()


class LoaderBatches:
    """The batches of one loader, up to a limit, prepared for the step.

    Args:
        loader: any iterable of batches.
        limit: batches to run.
        prepare: called with each batch, e.g. to move it to the device; ``None`` when there is nothing to do.
        name: what users call the loader, for messages.
        source: the loader as something whose passes can be taken up again; made here by default.
        begin: called when a pass begins; returns where the running batch is noted, for ``self.log``.

    Attributes:
        ahead: the batch that was fetched while the one before it is used: without a length, to know whether that is the
            last; or because of ``early``.
        early: called with each batch as soon as it is fetched, one batch before it is used; returns a function that
            gives it, e.g. once a copy to the device that began meanwhile is done.
        handed: batches of the running (in evaluation also the last) pass that were handed out, with those skipped.
    """

    early: Callable[[Any], Callable[[], Any]] | None = None

    def __init__(
        self,
        loader: Any,
        limit: float,
        prepare: Callable[[Any], Any] | None,
        name: str,
        source: ResumableLoader | ResumableCombination | None = None,
        begin: Callable[[], Collection] = lambda: Collection(training=True),
    ) -> None:
        self.loader, self.limit, self.prepare, self.name = loader, limit, prepare, name
        self.source = source if source is not None else resumable(loader)
        self.begin = begin
        self.ahead: Any = NOTHING
        self.handed = 0
        self._later = limit
        self._ended = False

    def limited_to(self, limit: float) -> LoaderBatches:
        """The same loader with a tighter limit."""
        return LoaderBatches(
            self.loader, min(self.limit, limit), self.prepare, self.name, self.source, self.begin
        )

    def iterate(self, skip: int = 0) -> Iterator[tuple[Any, bool]]:
        """Yield batches with whether each is the last. An exhausted loader ends the pass before its limit."""
        if self.limit == 0:
            return iter(())
        # The generator itself is returned: one that yields from another costs both frames for each batch, 0.1 µs.
        ahead = self.limit == inf or self.early is not None or self.ahead is not NOTHING
        return self._with_lookahead(skip) if ahead else self._counted(skip)

    @contextmanager
    def _pass(self, skip: int) -> Iterator[Iterator[Any]]:
        self._ended = False
        iterator = self.source.start(skip)
        try:
            yield iterator
        finally:
            self.source.end(iterator)

    def _counted(self, skip: int) -> Iterator[tuple[Any, bool]]:
        prepare, limit, index, running = self.prepare, self.limit, skip, self.begin()
        with self._pass(skip) as iterator:
            for index, batch in enumerate(iterator, skip + 1):
                self.handed = index
                if prepare:
                    batch = prepare(batch)
                # written here, and not by a function of the run's, which would cost each batch a call: 0.15 µs
                running.batch, running.size = batch, None
                last = index >= limit
                yield batch, last
                if last:
                    return
        if index == 0:
            return without_batches(self.name)
        warn(
            "short-loader",
            f"{self.name} ended after {index} of {int(limit)} batches, so the epoch's last batch was not "
            "known as such: validation and schedulers due there were left out. Make its length true.",
        )

    def _with_lookahead(self, skip: int) -> Iterator[tuple[Any, bool]]:
        # without a length, or to prepare it early, one batch is fetched ahead
        prepare, early, index, running = self.prepare, self.early, skip, self.begin()
        batch, self.ahead = self.ahead, NOTHING
        with self._pass(skip + (batch is not NOTHING)) as iterator:
            if batch is NOTHING:
                batch = next(iterator, NOTHING)
            if batch is NOTHING and not skip:
                return without_batches(self.name)
            coming = early(batch) if early and batch is not NOTHING else None
            while batch is not NOTHING:
                self.handed = index = index + 1
                ready, coming = coming, None
                if index < self.limit:
                    self.source.fetching_ahead()
                    self.ahead = next(iterator, NOTHING)
                    self._ended = self.ahead is NOTHING
                    coming = early(self.ahead) if early and not self._ended else None
                batch = ready() if ready else batch
                batch = prepare(batch) if prepare else batch
                running.batch, running.size = batch, None
                yield batch, self.ahead is NOTHING
                batch, self.ahead = self.ahead, NOTHING

    def limit_once(self, limit: float) -> None:
        """Take another limit until an epoch begins."""
        self.limit = limit

    def begin_anew(self) -> None:
        """An epoch begins: what a checkpoint said about a pass that is over does not count."""
        self.limit = self._later
        self.source.begin_anew(self._ended)
        self.ahead, self.handed, self._ended = NOTHING, 0, False

    def state_dict(self, running: bool, taken: int) -> dict[str, Any]:
        """The place in the data, for a checkpoint; see :meth:`ResumableLoader.state_dict`."""
        ahead = [self.ahead] if running and self.ahead is not NOTHING else []
        if not is_plain(ahead):
            warn(
                "inexact-resume",
                f"{self.name} has no length, so a batch is fetched ahead, and batches of {type(ahead[0]).__name__} "
                "cannot be kept in a checkpoint: a run that resumes from it may miss one. Give the loader a length.",
            )
            ahead = []
        source = self.source.state_dict(running, taken + len(ahead))
        return {"source": source, "ahead": ahead, "ended": self._ended}

    def go_on_from(self, places: list[Any]) -> None:
        """Go on from the states of those loaders that have any, in their order (Lightning's format)."""
        parts = self.source.parts if isinstance(self.source, ResumableCombination) else [self.source]
        for part, place in zip((one for one in parts if one.stateful), places, strict=False):
            part.go_on_from(place)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the place in the data from a checkpoint."""
        self.source.load_state_dict(state["source"])
        self.ahead, self._ended = next(iter(state["ahead"]), NOTHING), state["ended"]


def resumable(
    loader: Any, make: Callable[[Any], ResumableLoader] = ResumableLoader
) -> ResumableLoader | ResumableCombination:
    """A loader, or several that are combined, as something whose passes can be taken up again."""
    return ResumableCombination(loader.combined, make) if isinstance(loader, BatchesOnly) else make(loader)


skip_empty = False
"""Whether data without a batch is passed over with a warning; ``leyden_lightning.install()`` sets it."""


def without_batches(name: str) -> None:
    """Refuse data without a batch.

    Raises:
        leyden.errors.ConfigurationError: such data is not to be passed over.
    """
    if not skip_empty:
        raise ConfigurationError(
            f"{name} has no batches. Check the dataset's size; with drop_last=True a dataset smaller than "
            "batch_size gives none."
        )
    warn("empty-loader", f"{name} has no batches and is passed over.")


def training_loader(given: Any, name: str = "train_dataloader", mode: str = "max_size_cycle") -> Any:
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
        combined = CombinedLoader(given, mode)
        if not combined.flattened or any(length(one) == 0 for one in combined.flattened):
            without_batches(name)
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
        raise UserCodeTypeError(
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
    changed = with_parts(loader, _in_order)
    if changed is not loader:
        warn("overfit-sequential", f"{keyword} turns shuffling off: the same batches come in every epoch.")
    return changed


def say_if_shuffled(loader: Any, name: str) -> None:
    """Warn of an evaluating loader that draws at random: its batches, and what is computed batch by batch, differ."""
    if isinstance(loader, DataLoader) and isinstance(loader.sampler, RandomSampler):
        warn(
            "shuffled-evaluation",
            f"The sampler of {name} draws at random: batches differ from one call to the next. Pass shuffle=False.",
        )


def _in_order(loader: Any) -> Any:
    if isinstance(loader, DataLoader) and isinstance(loader.sampler, RandomSampler):
        return with_attribute(loader, "sampler", SequentialSampler(loader.dataset))  # type: ignore[arg-type]
    return loader


def with_parts(loader: Any, change: Callable[[Any], Any]) -> Any:
    """The loader with each of those it is made of changed; itself where none is."""
    if not isinstance(loader, BatchesOnly):
        return change(loader)
    parts = loader.combined.flattened
    changed = [change(one) for one in parts]
    if all(new is old for new, old in zip(changed, parts, strict=True)):
        return loader
    combined = CombinedLoader(loader.combined.iterables, loader.combined.mode)
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
