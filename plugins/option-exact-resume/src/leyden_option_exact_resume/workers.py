"""What travels between a loader and its worker processes: beside batches, the state of random generators."""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils.data import get_worker_info

from leyden.api.rng import set_rng_state
from leyden_option_exact_resume import own

Encoded = tuple[bytes, tuple[Any, ...], tuple[Any, ...] | None, dict[str, Any]]


class Carried(NamedTuple):
    """A batch, the worker that made it, and the state of its generators afterwards; ``None`` when that is as before."""

    batch: Any
    worker: int
    state: Encoded | None


class Carrying:
    """A collate function whose batches are :class:`Carried`.

    Args:
        collate: the loader's own.
    """

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self.collate = collate
        self._last: Encoded | None = None
        self._found: dict[str, Any] | None = None

    def __call__(self, samples: Any) -> Any:
        batch, info = self.collate(samples), get_worker_info()
        if info is None:
            return batch
        if self._found is None:
            self._found = own.find(dataset=info.dataset, collate=self.collate)
        state = encoded({path: own.get(one) for path, one in self._found.items()})
        if _equal(state, self._last):
            return Carried(batch, info.id, None)
        self._last = state
        return Carried(batch, info.id, state)


def _equal(state: Encoded, last: Encoded | None) -> bool:
    # Tensors in what the dataset holds cannot be compared by ==; such datasets draw numbers in any case.
    return last is not None and not state[3] and state == last


class Seeded:
    """A worker's start: the user's function, then generators as a checkpoint says.

    Args:
        start: the loader's ``worker_init_fn``.

    Attributes:
        states: by worker; one that is missing starts from its seed.
        collate: of the loader, whose attributes may hold generators.
    """

    def __init__(self, start: Callable[[int], None] | None, collate: Any) -> None:
        self.start, self.collate = start, collate
        self.states: dict[int, Any] = {}

    def __call__(self, worker: int) -> None:
        if self.start is not None:
            self.start(worker)
        state, info = self.states.get(worker), get_worker_info()
        if state is not None and info is not None:
            generators, owned = state
            set_rng_state(generators)
            for path, one in own.find(dataset=info.dataset, collate=self.collate).items():
                if path in owned:
                    own.put(one, owned[path])


class Unpacked:
    """The batches of an iterator of :class:`Carried`.

    Args:
        iterator: the DataLoader's.
        history: for each worker, its state before and after the last batch that came from it; kept up to date.
    """

    def __init__(self, iterator: Iterator[Any], history: dict[int, list[Any]]) -> None:
        self.iterator, self.history = iterator, history

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        item = next(self.iterator)
        if type(item) is not Carried:
            return item
        batch, worker, state = item
        before = self.history[worker][1] if worker in self.history else None
        self.history[worker] = [before, before if state is None else state]
        return batch


def encoded(held: dict[str, Any]) -> Encoded:
    """The state of a worker's generators; made after every batch, hence of what copies and compares fast."""
    numpy = sys.modules.get("numpy")
    state = torch.get_rng_state()
    version, internal, gauss = random.getstate()
    by_numpy = None
    if numpy is not None:
        kind, keys, *rest = numpy.random.get_state()
        by_numpy = (kind, keys.tobytes(), *rest)
    by_torch = state.numpy().tobytes() if numpy is not None else bytes(state.tolist())
    return by_torch, (version, array("I", internal).tobytes(), gauss), by_numpy, held


def decoded(state: Any) -> Any:
    """A worker's state as a checkpoint holds it."""
    if not isinstance(state, tuple):
        return state
    by_torch, (version, internal, gauss), by_numpy, held = state
    process: dict[str, Any] = {
        "torch": torch.frombuffer(bytearray(by_torch), dtype=torch.uint8),
        "python": [version, array("I", internal).tolist(), gauss],
    }
    if by_numpy is not None:
        kind, keys, *rest = by_numpy
        process["numpy"] = [kind, torch.tensor(array("I", keys).tolist()), *rest]
    return [process, held]
