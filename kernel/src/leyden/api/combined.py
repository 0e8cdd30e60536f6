"""Several iterables as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import inf
from typing import Any

from leyden.plugins.errors import ConfigurationError, shown

MODES = ("min_size", "max_size_cycle", "max_size", "sequential")


class CombinedLoader:
    """Iterates over a collection of iterables together.

    Each item is ``(batch, batch_idx, dataloader_idx)``; the batch has the collection's structure, except in mode
    ``"sequential"``, where iterables follow one another and ``dataloader_idx`` tells whose batch it is.

    Args:
        iterables: one iterable, or a list, tuple or dict of them (nested).
        mode: ``"min_size"`` stops with the shortest; ``"max_size_cycle"`` starts shorter ones anew until each was
            exhausted once; ``"max_size"`` fills shorter ones up with ``None``; ``"sequential"`` goes one by one.

    Raises:
        leyden.errors.ConfigurationError: there is no such mode.
    """

    def __init__(self, iterables: Any, mode: str = "min_size") -> None:
        if mode not in MODES:
            raise ConfigurationError.about("CombinedLoader(mode)", mode, ", ".join(map(repr, MODES)))
        self.iterables = iterables
        self.mode = mode
        self._flat, self._build = flatten(iterables)
        self._limits: list[float | int | None] | None = None
        self._iterator: Iterator[tuple[Any, int, int]] | None = None

    @property
    def flattened(self) -> list[Any]:
        """The iterables in order."""
        return self._flat

    @flattened.setter
    def flattened(self, iterables: list[Any]) -> None:
        if len(iterables) != len(self._flat):
            raise ConfigurationError.about(
                "CombinedLoader.flattened",
                iterables,
                f"a list of {len(self._flat)} iterables",
                f"It has {len(iterables)}.",
            )
        self._flat = list(iterables)
        self.iterables = self._build(self._flat)

    @property
    def limits(self) -> list[float | int | None] | None:
        """How many batches of each iterable are used; ``None`` for all. One number counts for each iterable.

        Raises:
            leyden.errors.ConfigurationError: there are more or fewer limits than iterables.
        """
        return self._limits

    @limits.setter
    def limits(self, limits: float | int | list[float | int | None] | None) -> None:
        same = isinstance(limits, int | float)
        each: Any = [limits] * len(self._flat) if same else limits
        if each is not None and len(each) != len(self._flat):
            allowed, remedy = f"one for each of {len(self._flat)} iterables", f"There are {len(each)}."
            raise ConfigurationError.about("CombinedLoader.limits", limits, allowed, remedy)
        self._limits = each

    @property
    def sampler(self) -> Any:
        """The samplers of the iterables, in the collection's structure; ``None`` for those that have none."""
        return self._build([getattr(one, "sampler", None) for one in self._flat])

    @property
    def batch_sampler(self) -> Any:
        """The batch samplers of the iterables, likewise."""
        return self._build([getattr(one, "batch_sampler", None) for one in self._flat])

    def reset(self) -> None:
        """Let go of the iterator that :func:`next` goes on with."""
        self._iterator = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_iterator": None}

    def __next__(self) -> tuple[Any, int, int]:
        if self._iterator is None:
            raise StopIteration
        return next(self._iterator)

    def _limited(self, position: int) -> Iterator[Any]:
        iterator = iter(self._flat[position])
        limit = self.limits[position] if self.limits is not None else None
        return iterator if limit is None or limit == inf else islice(iterator, int(limit))

    def __len__(self) -> int:
        limits = self.limits or [None] * len(self._flat)
        pairs = zip(self._flat, limits, strict=True)
        sizes = [length(one) if limit is None else min(length(one), limit) for one, limit in pairs]
        if any(size == inf for size in sizes) and self.mode != "min_size":
            raise TypeError("an iterable of this CombinedLoader has no length")
        total = (
            sum(sizes) if self.mode == "sequential" else min(sizes) if self.mode == "min_size" else max(sizes)
        )
        if total == inf:
            raise TypeError("no iterable of this CombinedLoader has a length")
        return int(total)

    def __iter__(self) -> Iterator[tuple[Any, int, int]]:
        if self.mode == "sequential":
            self._iterator = self._one_by_one()
            return self._iterator
        batches = self.together(lambda position, again: self._limited(position), [False] * len(self._flat))
        self._iterator = ((batch, index, 0) for index, batch in enumerate(batches))
        return self._iterator

    def _one_by_one(self) -> Iterator[tuple[Any, int, int]]:
        for loader in range(len(self._flat)):
            for index, batch in enumerate(self._limited(loader)):
                yield batch, index, loader

    def together(self, start: Callable[[int, bool], Iterator[Any]], exhausted: list[bool]) -> Iterator[Any]:
        """Batches with the collection's structure.

        Args:
            start: gives the iterator of an iterable by its position; the flag says that it is cycled.
            exhausted: which iterables have ended once; brought up to date.
        """
        if self.mode == "max_size_cycle" and any(length(one) == 0 for one in self._flat):
            raise ConfigurationError(
                "CombinedLoader: an iterable is empty, so it cannot be cycled. Remove it."
            )
        iterators = [start(position, False) for position in range(len(self._flat))]
        while iterators:
            batch = []
            for position in range(len(iterators)):
                try:
                    batch.append(next(iterators[position]))
                except StopIteration:
                    exhausted[position] = True
                    if self.mode == "min_size" or all(exhausted):
                        return
                    batch.append(self._again(iterators, position, start))
            yield self._build(batch)

    def _again(
        self, iterators: list[Iterator[Any]], position: int, start: Callable[[int, bool], Iterator[Any]]
    ) -> Any:
        if self.mode == "max_size":
            return None
        iterators[position] = start(position, True)
        for batch in iterators[position]:
            return batch
        raise ConfigurationError("CombinedLoader: an iterable is empty, so it cannot be cycled. Remove it.")


def length(iterable: Any) -> float:
    """How many batches an iterable has; ``inf`` when it cannot tell."""
    try:
        return len(iterable)
    except (TypeError, NotImplementedError):
        return inf


def flatten(collection: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of nested lists, tuples and dicts, and a function that builds the same structure of other leaves.

    A list, tuple or dict of numbers or texts alone is a leaf: its items are batches.
    """
    if _holds_batches(collection):
        return [collection], lambda values: values[0]
    if isinstance(collection, Mapping):
        parts = [flatten(value) for value in collection.values()]
        keys = list(collection)
        return _leaves(parts), lambda values: dict(zip(keys, _split(parts, values), strict=True))
    if isinstance(collection, list | tuple):
        parts = [flatten(value) for value in collection]
        kind = type(collection)
        if hasattr(collection, "_fields"):
            return _leaves(parts), lambda values: kind(*_split(parts, values))
        return _leaves(parts), lambda values: kind(_split(parts, values))
    if not hasattr(collection, "__iter__") and not hasattr(collection, "__getitem__"):
        raise ConfigurationError(f"{shown(collection)} cannot be iterated over, so it is no dataloader.")
    return [collection], lambda values: values[0]


def _holds_batches(collection: Any) -> bool:
    items = collection.values() if isinstance(collection, Mapping) else collection
    kinds = isinstance(collection, Mapping | list | tuple)
    return kinds and bool(items) and all(isinstance(one, int | float | str) for one in items)


_Part = tuple[list[Any], Callable[[list[Any]], Any]]


def _leaves(parts: list[_Part]) -> list[Any]:
    return [leaf for leaves, _ in parts for leaf in leaves]


def _split(parts: list[_Part], values: list[Any]) -> list[Any]:
    built, start = [], 0
    for leaves, build in parts:
        built.append(build(values[start : start + len(leaves)]))
        start += len(leaves)
    return built
