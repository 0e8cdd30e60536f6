"""A loader whose worker processes, samplers and dataset go on where a checkpoint left them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from leyden.api.resumable import ResumableLoader, State, end_workers, indexed, skipped
from leyden_option_exact_resume import own
from leyden_option_exact_resume.workers import Carrying, Seeded, Unpacked, decoded

TORCH = ("torch.utils.data.sampler", "torch.utils.data.distributed", "torch.utils.data.dataloader")


class TrackedLoader(ResumableLoader):
    """Adds to what the kernel keeps of a loader

    * of worker processes, the random state after the last batch that each delivered, so that what a dataset draws goes
      on; batches that were under way are loaded again;
    * generators of torch, NumPy and Python in the attributes of dataset, samplers and collate function;
    * numbers, texts and flags among the attributes of samplers that change (``sampler.epoch``);
    * that workers which live on (``persistent_workers``) draw no seed anew.

    Args:
        loader: any iterable of batches; a DataLoader with workers is iterated over through a shallow copy.
    """

    def __init__(self, loader: Any) -> None:
        self.workers = int(loader.num_workers) if isinstance(loader, DataLoader) else 0
        super().__init__(self._copied(loader) if self.workers else loader)
        self.history: dict[int, list[Any]] = {}
        self._base = [_scalars(one) for one in _samplers(loader)]
        self._made_with: torch.Tensor | None = None
        self._made_here = False
        self._saved_workers: State | None = None
        self._at_start: dict[int, Any] = {}

    def _copied(self, loader: DataLoader[Any]) -> DataLoader[Any]:
        other = copy.copy(loader)
        self._seeded = Seeded(loader.worker_init_fn, loader.collate_fn)
        vars(other).update(
            collate_fn=Carrying(loader.collate_fn), worker_init_fn=self._seeded, _iterator=None
        )
        return other

    @property
    def _persistent(self) -> bool:
        return bool(self.workers) and bool(self.loader.persistent_workers)

    # -- passes ----------------------------------------------------------------------------------------------

    def skipped(self, count: int) -> Iterator[Any]:
        """An iterator that begins after ``count`` batches."""
        if not self.workers:
            return super().skipped(count)
        saved, self._saved_workers = self._saved_workers, None
        makes = not self._persistent or self.loader._iterator is None
        if makes:
            self.history = {}
            self._made_with = (self.loader.generator or torch.default_generator).get_state()
        self._made_here = makes
        self._at_start = {worker: states[1] for worker, states in self.history.items()}
        if saved is not None and makes:
            return self._taken_up(saved, count)
        return Unpacked(super().skipped(count), self.history)

    def _taken_up(self, saved: State, count: int) -> Iterator[Any]:
        """Begin with workers as they were: those that had done their batch of the running round do it once more."""
        self._made_with, self._made_here = saved["made_with"], saved["made_here"]
        by_index = indexed(self.loader)
        again = count % self.workers if by_index else 0
        if by_index or not count:
            for worker, states in saved["history"].items():
                self.history[worker] = [states[0], states[0] if worker < again else states[1]]
            self._seeded.states = {worker: states[1] for worker, states in self.history.items()}
        else:
            self._seeded.states = saved["at_start"]  # all batches are loaded again
        self._at_start = saved["at_start"] if count else self._seeded.states
        own_generator = self.loader.generator
        if self._persistent and not saved["made_here"]:
            seeds = torch.Generator()
            seeds.set_state(saved["made_with"])
            vars(self.loader)["generator"] = seeds
        try:
            iterator = (
                skipped(self.loader, count - again, self.to_first) if count - again else iter(self.loader)
            )
        finally:
            vars(self.loader)["generator"] = own_generator
            self._seeded.states = {}
        unpacked = Unpacked(iterator, self.history)
        for _ in range(again):
            next(unpacked)
        return unpacked

    def end(self, iterator: Iterator[Any]) -> None:
        """End a pass, whether or not it ran out."""
        end_workers(iterator.iterator if isinstance(iterator, Unpacked) else iterator)

    def end_workers(self) -> None:
        """End worker processes that the loader keeps from pass to pass; later ones have other random numbers."""
        super().end_workers()
        self.history, self._made_with = {}, None

    # -- state -----------------------------------------------------------------------------------------------

    def own_randomness(self) -> Any:
        """As the kernel's, with what else dataset, samplers and collate function hold."""
        return {
            **super().own_randomness(),
            "held": {path: own.get(one) for path, one in self._held().items()},
            "moving": [
                [base, _scalars(one)] for base, one in zip(self._base, _samplers(self.loader), strict=True)
            ],
        }

    def set_own_randomness(self, state: Any) -> None:
        """Give it back."""
        held = self._held()
        for path, value in state.get("held", {}).items():
            if path in held:
                own.put(held[path], value)
        samplers = zip(_samplers(self.loader), self._base, state.get("moving", ()), strict=False)
        for sampler, mine, (base, values) in samplers:
            for name, value in values.items():
                if name in mine:
                    setattr(sampler, name, mine[name] if value == base.get(name) else value)
        super().set_own_randomness(state)  # after those: seeds come from the checkpoint in any case

    def _held(self) -> dict[str, Any]:
        roots = {name: getattr(self.loader, name, None) for name in ("dataset", "sampler", "batch_sampler")}
        collate = getattr(self.loader, "collate_fn", None)
        return own.find(**roots, collate=getattr(collate, "collate", collate))

    def state_dict(self, running: bool = False, taken: int = 0, place: bool = True) -> State:
        """As the kernel's, with the workers."""
        state = super().state_dict(running, taken, place)
        if self._saved_workers is not None:
            return {**state, "workers": self._saved_workers}
        keeps = self.workers and (running or self._persistent) and self._made_with is not None
        return {**state, "workers": self._workers_state(running) if keeps else None}

    def _workers_state(self, running: bool) -> State:
        history = {worker: [decoded(one) for one in states] for worker, states in self.history.items()}
        return {
            "history": history,
            "at_start": {worker: decoded(one) for worker, one in self._at_start.items()},
            "made_with": self._made_with,
            "made_here": self._made_here and running,
            "count": self.workers,
        }

    def load_state_dict(self, state: State) -> None:
        """As the kernel's, with the workers; those of another number begin from their seeds."""
        super().load_state_dict(state)
        workers = state.get("workers")
        if workers is not None and workers["count"] == self.workers:
            self._saved_workers = workers

    def begin_anew(self, ended: bool) -> None:
        """As the kernel's; only workers that live on go on."""
        if not self._persistent:
            self._saved_workers = None
        super().begin_anew(ended)
        if self._saved_workers is not None:
            self._saved_workers = {**self._saved_workers, "made_here": False}


def _samplers(loader: Any) -> list[Any]:
    """The samplers of a loader that torch does not know."""
    found: list[Any] = []
    waiting = [getattr(loader, name, None) for name in ("sampler", "batch_sampler")]
    while waiting:
        one = waiting.pop(0)
        if one is None or any(one is other for other in found):
            continue
        found.append(one)
        waiting.append(getattr(one, "sampler", None))
    return [one for one in found if type(one).__module__ not in TORCH]


def _scalars(value: Any) -> dict[str, Any]:
    kinds = (bool, int, float, str)
    return {name: one for name, one in getattr(value, "__dict__", {}).items() if type(one) in kinds}


def same(one: Any, other: Any) -> bool:
    """Whether two random states are equal."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return all(same(one[key], other.get(key)) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
