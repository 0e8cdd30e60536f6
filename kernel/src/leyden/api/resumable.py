"""Loaders whose passes can be taken up again where a checkpoint left them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from leyden.api.combined import CombinedLoader
from leyden.api.rng import isolate_rng, rng_state, set_rng_state

State = dict[str, Any]


class ResumableLoader:
    """One loader, and what a checkpoint has to know of it.

    A pass over a loader with ``state_dict`` and ``load_state_dict`` goes on from that state. Over any other, the random
    generators are given what they had when the pass began, the batches that are done are left out (of a map-style
    DataLoader without loading them), and the generators get back what they had when the checkpoint was written.

    Args:
        loader: any iterable of batches; it is not changed.

    Attributes:
        started: the random state from which the running (or last) pass was started; ``None`` before the first.
        first: that before its first batch, where others draw in between; ``None`` when that follows at once.
    """

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        methods = [getattr(loader, name, None) for name in ("state_dict", "load_state_dict")]
        self.stateful = all(callable(one) for one in methods)
        self.started: State | None = None
        self.first: State | None = None
        self._saved: State | None = None
        self._before: list[Any] = []

    def start(self, skip: int = 0) -> Iterator[Any]:
        """Begin a pass, or go on with the one that :meth:`load_state_dict` told of.

        Args:
            skip: how many batches of the pass are done.
        """
        saved, self._saved, self._before = self._saved, None, []
        place = saved["loader"] if saved is not None else None
        if saved is None or (saved["started"] is None and place is None):
            self.started, self.first = self.randomness(), None
            return self.skipped(skip)
        now, self.started, self.first = (
            self.randomness(),
            saved["started"] or self.randomness(),
            saved["first"],
        )
        if place is not None:
            self.loader.load_state_dict(place)
            iterator = self.skipped(0)
            if saved["behind"]:
                next(iterator, None)
        else:
            self.set_randomness(self.started)
            iterator = self.skipped(skip)
        self.set_randomness(now)
        return iterator

    def fetching_ahead(self) -> None:
        """A batch is about to be fetched ahead: keep the place before it, where the loader's end may look like its
        beginning. A DataLoader's does not."""
        if self.stateful and not isinstance(self.loader, DataLoader):
            self._before = [self.loader.state_dict()]

    def end(self, iterator: Iterator[Any]) -> None:
        """End a pass, whether or not it ran out."""
        end_workers(iterator)

    def begin_anew(self, ended: bool) -> None:
        """An epoch begins: of what a checkpoint said about a pass that is over, only what goes on counts.

        Args:
            ended: whether the loop saw that pass run out, rather than stop at a limit.
        """
        saved, self._saved = self._saved, None
        if saved is not None and saved["loader"] is not None:
            now = self.randomness()
            with isolate_rng():
                self._end_saved_pass(saved["loader"], ended)
            self.set_randomness(now)

    def _end_saved_pass(self, place: Any, ended: bool) -> None:
        self.loader.load_state_dict(place)
        if isinstance(self.loader, DataLoader):  # torchdata's goes on in the pass that follows the load
            self.loader.state_dict() if ended else iter(self.loader)  # type: ignore[attr-defined]
        elif next(iter(self.loader), self) is not self:
            self.loader.load_state_dict(place)  # the state of an end is that of a beginning

    def skipped(self, count: int) -> Iterator[Any]:
        """An iterator that begins after ``count`` batches."""
        return skipped(self.loader, count, self.to_first) if count else iter(self.loader)

    def to_first(self) -> None:
        """The generators as they were before the pass's first batch."""
        if self.first is not None:
            self.set_randomness(self.first)

    def randomness(self) -> State:
        """The state of the process's generators, and of those that the loader and its samplers have of their own."""
        return {"rng": rng_state(), "own": self.own_randomness()}

    def set_randomness(self, state: State) -> None:
        """Give them that state."""
        set_rng_state(state["rng"])
        self.set_own_randomness(state["own"])

    def own_randomness(self) -> Any:
        """The state of the loader's own generators and of samplers that have one, and the seeds of samplers."""
        return {
            "generators": [one.get_state() for one in generators(self.loader)],
            "samplers": [one.state_dict() for one in _stateful_samplers(self.loader)],
            "seeds": [one.seed for one in _seeded_samplers(self.loader)],
        }

    def set_own_randomness(self, state: Any) -> None:
        """Give them that state."""
        for one, value in zip(generators(self.loader), state["generators"], strict=False):
            one.set_state(value)
        for sampler, value in zip(_stateful_samplers(self.loader), state["samplers"], strict=False):
            sampler.load_state_dict(value)
        for sampler, seed in zip(_seeded_samplers(self.loader), state.get("seeds", ()), strict=False):
            sampler.seed = seed

    def state_dict(self, running: bool = False, taken: int = 0, place: bool = True) -> State:
        """The place in the data.

        Args:
            running: whether a pass is under way.
            taken: batches of it that were handed out.
            place: ``False`` leaves out all but the generators.
        """
        own = self.own_randomness()
        if self._saved is not None:
            return {**self._saved, "own": own}
        began = (
            {"started": self.started, "first": self.first} if running else {"started": None, "first": None}
        )
        inside, behind = None, False
        if place and self.stateful and self.started is not None:
            behind = bool(self._before) and running
            inside = self._before[0] if behind else self.loader.state_dict()
        return {**began, "own": own, "loader": inside, "behind": behind, "taken": taken}

    def load_state_dict(self, state: State) -> None:
        """Take the place in the data from a checkpoint; :meth:`start` goes there."""
        self.set_own_randomness(state["own"])
        self._saved = {**state, "loader": state["loader"] if self.stateful else None}

    def go_on_from(self, place: Any) -> None:
        """Go on from the loader's own state, as Lightning saved it."""
        self._saved = {"started": None, "first": None, "loader": place, "behind": False, "taken": 0}

    def end_workers(self) -> None:
        """End worker processes that the loader keeps from pass to pass."""
        iterator = getattr(self.loader, "_iterator", None)
        if iterator is not None and hasattr(iterator, "_shutdown_workers"):
            iterator._shutdown_workers()
            self.loader._iterator = None


class ResumableCombination:
    """The same for several loaders that are iterated over together, each with its own place.

    Args:
        combined: the loaders.
        make: makes one resumable.
    """

    def __init__(self, combined: CombinedLoader, make: Callable[[Any], ResumableLoader]) -> None:
        self.combined = combined
        self.parts = [make(one) for one in combined.flattened]
        self.taken = [0] * len(self.parts)
        self.exhausted = [False] * len(self.parts)
        self._resumes = False
        self._running: dict[int, Iterator[Any]] = {}

    @property
    def started(self) -> State | None:
        """Not ``None`` once a pass was started."""
        return self.parts[0].started if self.parts else None

    def start(self, skip: int = 0) -> Iterator[Any]:
        """Begin a pass, or go on with one."""
        if self._resumes:
            self._resumes = False
        else:
            self.taken, self.exhausted = [skip] * len(self.parts), [False] * len(self.parts)
        return self.combined.together(self._open, self.exhausted)

    def _open(self, position: int, again: bool) -> Iterator[Any]:
        if again:
            self.taken[position] = 0
        self._running[position] = self.parts[position].start(self.taken[position])
        return self._counted(self._running[position], position)

    def _counted(self, iterator: Iterator[Any], position: int) -> Iterator[Any]:
        if not self.taken[position]:
            self.parts[position].first = self.parts[position].randomness()
        for batch in iterator:
            self.taken[position] += 1
            yield batch

    def fetching_ahead(self) -> None:
        """Nothing is kept of it."""

    def end(self, iterator: Iterator[Any]) -> None:
        """End a pass, whether or not it ran out."""
        for position, one in self._running.items():
            self.parts[position].end(one)
        self._running = {}

    def begin_anew(self, ended: bool) -> None:
        """As :meth:`ResumableLoader.begin_anew`."""
        self._resumes = False
        for part in self.parts:
            part.begin_anew(ended)

    def state_dict(self, running: bool = False, taken: int = 0, place: bool = True) -> State:
        """As :meth:`ResumableLoader.state_dict`."""
        both = zip(self.parts, self.taken, strict=True)
        parts = [part.state_dict(running, count, place) for part, count in both]
        return {"parts": parts, "exhausted": list(self.exhausted), "taken": taken}

    def load_state_dict(self, state: State) -> None:
        """As :meth:`ResumableLoader.load_state_dict`; a state of other loaders is not taken."""
        parts = state.get("parts", ())
        if len(parts) == len(self.parts):
            for part, one in zip(self.parts, parts, strict=True):
                part.load_state_dict(one)
            self.taken, self.exhausted = [one["taken"] for one in parts], list(state["exhausted"])
            self._resumes = any(one["started"] is not None or one["loader"] is not None for one in parts)

    def end_workers(self) -> None:
        """As :meth:`ResumableLoader.end_workers`."""
        for part in self.parts:
            part.end_workers()


def _samplers(loader: Any) -> list[Any]:
    batches = getattr(loader, "batch_sampler", None)
    found: list[Any] = []
    for one in (getattr(loader, "sampler", None), batches, getattr(batches, "sampler", None)):
        if one is not None and not any(one is other for other in found):
            found.append(one)
    return found


def _stateful_samplers(loader: Any) -> list[Any]:
    return [
        one
        for one in _samplers(loader)
        if callable(getattr(one, "state_dict", None)) and callable(getattr(one, "load_state_dict", None))
    ]


def _seeded_samplers(loader: Any) -> list[Any]:
    """Samplers whose order follows from a seed, as that of shares of several processes does."""
    return [one for one in _samplers(loader) if type(getattr(one, "seed", None)) is int]


def generators(loader: Any) -> list[torch.Generator]:
    """The generators of a loader and its samplers, each once."""
    found: list[torch.Generator] = []
    for owner in (loader, *_samplers(loader)):
        generator = getattr(owner, "generator", None)
        if isinstance(generator, torch.Generator) and not any(generator is other for other in found):
            found.append(generator)
    return found


def end_workers(iterator: Any) -> None:
    """End the worker processes of a DataLoader's iterator that is left before its end; those to be kept are kept."""
    shut_down = getattr(iterator, "_shutdown_workers", None)
    if shut_down is not None and not getattr(iterator, "_persistent_workers", False):
        shut_down()


def indexed(loader: Any) -> bool:
    """Whether a loader is a map-style DataLoader that iterates as torch's does."""
    return (
        isinstance(loader, DataLoader)
        and not isinstance(loader.dataset, IterableDataset)
        and type(loader).__iter__ is DataLoader.__iter__
    )


def skipped(loader: Any, count: int, to_first: Callable[[], None] = lambda: None) -> Iterator[Any]:
    """An iterator that begins after ``count`` batches; of a map-style DataLoader, without loading those.

    Args:
        loader: the loader.
        count: batches to leave out.
        to_first: called before the first is drawn.
    """
    if not indexed(loader):
        iterator: Iterator[Any] = iter(loader)
        to_first()
        for _ in range(count):
            next(iterator, None)
        return iterator
    name = "batch_sampler" if loader.batch_sampler is not None else "sampler"
    sampler = SkippingSampler(getattr(loader, name), count)
    other = with_attribute(loader, name, sampler)
    iterator = iter(other)
    if loader.persistent_workers:
        loader._iterator = iterator  # the next pass goes on with these workers
        vars(iterator)["_index_sampler"] = loader._index_sampler
    to_first()
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
