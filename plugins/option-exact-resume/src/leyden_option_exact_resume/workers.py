"""What travels between a loader and its worker processes: beside batches, the state of random generators."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils.data import get_worker_info

from leyden.api.rng import set_rng_state
from leyden_option_exact_resume import own


class Carried(NamedTuple):
    """A batch, the worker that made it, and the state of its generators afterwards; ``None`` when that is as before."""

    batch: Any
    worker: int
    state: bytes | None


class Carrying:
    """A collate function whose batches are :class:`Carried`.

    Args:
        collate: the loader's own.
    """

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self.collate = collate
        self._last: bytes | None = None
        self._found: dict[str, Any] | None = None

    def __call__(self, samples: Any) -> Any:
        batch, info = self.collate(samples), get_worker_info()
        if info is None:
            return batch
        if self._found is None:
            self._found = own.find(dataset=info.dataset, collate=self.collate)
        state = encoded({path: own.get(one) for path, one in self._found.items()})
        if state == self._last:
            return Carried(batch, info.id, None)
        self._last = state
        return Carried(batch, info.id, state)


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


def encoded(held: dict[str, Any]) -> bytes:
    """The state of a worker's generators; made after every batch, hence without tensors, which pickle slowly."""
    numpy = sys.modules.get("numpy")
    state = torch.get_rng_state()
    process = (
        state.numpy().tobytes() if numpy is not None else bytes(state.tolist()),
        random.getstate(),
        numpy.random.get_state() if numpy is not None else None,
    )
    return pickle.dumps((process, held), protocol=5)


def decoded(state: Any) -> Any:
    """A worker's state as a checkpoint holds it. It came from this process's own workers, hence by pickle."""
    if not isinstance(state, bytes):
        return state
    (made_by_torch, (version, internal, gauss), numpy), held = pickle.loads(state)
    process: dict[str, Any] = {
        "torch": torch.frombuffer(bytearray(made_by_torch), dtype=torch.uint8),
        "python": [version, list(internal), gauss],
    }
    if numpy is not None:
        kind, keys, *rest = numpy
        process["numpy"] = [kind, torch.from_numpy(keys.astype("int64")), *rest]
    return [process, held]
