"""How many worker processes a loader needs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, ClassVar

from leyden.api.resumable import indexed, with_attribute
from leyden.api.rng import isolate_rng
from leyden_option_fast.technique import Technique, say

BATCHES = 24
"""How many batches are fetched with each number of workers, at most."""

SECONDS = 2.0
"""For how long at most."""

ENOUGH = 1.1
"""More workers are taken where they give so many times the batches."""


class Workers(Technique):
    """``workers``: before the first epoch, find how many workers fetch the training batches fastest, and use them.

    A few batches are fetched with 0, 1, 2, 4, … workers, and thrown away; random generators are left alone. Workers
    draw random numbers of their own, so augmentations are others than without.

    Args:
        most: the largest number; the processors that this process may use when ``None``.
        rate: gives batches a second for a loader; measured unless a test says otherwise.
    """

    name: ClassVar[str] = "workers"
    part: ClassVar[str] = "data"

    def __init__(self, most: int | None = None, rate: Callable[[Any], float] | None = None) -> None:
        self.most = processors() if most is None else most
        self.rate = rate or batches_a_second
        self.trainer: Any = None
        self.chosen = 0
        self.own: Any = None

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        loader = trainer.running.data.train.loader
        if not indexed(loader):
            return f"the training loader is no DataLoader of a map-style dataset ({type(loader).__name__})"
        if loader.num_workers:
            return f"num_workers={loader.num_workers} was chosen already"
        return None

    def begin(self, trainer: Any, module: Any) -> None:
        self.trainer = trainer
        self.own = own = trainer.running.data.train.loader
        source = trainer.running.data.train.source
        before = source.randomness()
        with isolate_rng():
            self.chosen, rates = fastest(own, self.most, self.rate)
        source.set_randomness(before)
        told = ", ".join(f"{count}: {rate:.0f}" for count, rate in rates.items())
        say(f"{self.chosen} workers fetch the training data (batches a second by number of workers: {told}).")
        self.start_epoch()

    def start_epoch(self) -> None:
        train = self.trainer.running.data.train
        if self.chosen and indexed(train.loader) and not train.loader.num_workers:
            train.loader = train.source.loader = with_workers(train.loader, self.chosen)

    def end(self) -> None:
        train = self.trainer.running.data.train if self.trainer is not None else None
        if train is not None and self.chosen:
            train.source.end_workers()
            train.loader = train.source.loader = self.own
        self.trainer = None


def fastest(loader: Any, most: int, rate: Callable[[Any], float]) -> tuple[int, dict[int, float]]:
    """The number of workers with which a loader is fastest, and what was measured.

    The search ends where twice as many workers are not faster by a tenth: fewer are better then, since they leave
    processors to the training.
    """
    rates = {0: rate(loader)}
    best, count = 0, 1
    while count <= most:
        rates[count] = rate(with_workers(loader, count))
        if rates[count] < ENOUGH * rates[best]:
            if count > 1:  # one worker alone may only pay for its own cost
                break
        else:
            best = count
        count *= 2
    return best, rates


def with_workers(loader: Any, count: int) -> Any:
    """The same loader with workers, which it keeps from epoch to epoch."""
    other = with_attribute(loader, "num_workers", count)
    vars(other).update(prefetch_factor=loader.prefetch_factor or 2, persistent_workers=True, _iterator=None)
    return other


def batches_a_second(loader: Any) -> float:
    """How fast batches come, not counting the first, for which workers start."""
    iterator = iter(loader)
    try:
        next(iterator, None)
        return _rate(islice(iterator, BATCHES))
    finally:
        if hasattr(iterator, "_shutdown_workers"):
            iterator._shutdown_workers()


def _rate(batches: Iterator[Any]) -> float:
    began, count = time.perf_counter(), 0
    for _ in batches:
        count += 1
        if time.perf_counter() - began > SECONDS:
            break
    return count / max(time.perf_counter() - began, 1e-9)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
