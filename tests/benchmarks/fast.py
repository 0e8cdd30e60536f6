"""What ``Trainer(fast="auto")`` gives: ``python -m tests.benchmarks.fast`` prints a table.

A step's time is that between two batches that are fetched, so that neither start nor end counts; of the steps of all
rounds the lower quartile is taken, which other programs on the machine disturb least.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from tests.benchmarks import subjects
from tests.benchmarks.subjects import MLP, Task


class Clocked:
    """Batches that are there already; notes when each is fetched.

    Args:
        task: whose batches.
        count: how many.
    """

    def __init__(self, task: Task, count: int) -> None:
        self.batches = list(task.loader(8))
        self.count = count
        self.times: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        for number in range(self.count):
            self.times.append(time.perf_counter_ns())
            yield self.batches[number % len(self.batches)]


MANY = Task(
    lambda: nn.Sequential(*(nn.Linear(8, 8) for _ in range(50))),
    lambda weights: torch.optim.Adam(weights, lr=1e-3),
    8,
    8,
    8,
)
"""Fifty small layers."""


def long_fit() -> Any:
    """``fast="auto"`` as it is in a fit that is long enough for a compilation."""
    from leyden_option_fast.auto import Auto

    return Auto(pays=0.0)


WAYS: dict[str, Callable[[], Any]] = {
    "as it is": lambda: False,
    "fused": lambda: "fused",
    "fused and compiled": lambda: ["fused", "compile"],
    "auto": lambda: "auto",
    "auto, long fit": long_fit,
}
"""What is compared: what ``fast`` is given, or what listens in its place."""
PICKED = 80
"""By this step ``auto`` has picked."""


def steps(task: Task, way: Any, count: int) -> list[float]:
    """Seconds of each step but the first."""
    loader = Clocked(task, count + PICKED)
    trainer = subjects.trainer_of("leyden", fast=way if isinstance(way, bool | str | list) else False)
    if not isinstance(way, bool | str | list):
        trainer.add_listener(way)
    with subjects.quiet():
        trainer.fit(subjects.module_of("leyden", task), loader)
    return [
        (two - one) * 1e-9
        for one, two in zip(loader.times[PICKED:], loader.times[PICKED + 1 :], strict=False)
    ]


def main(rounds: int = 3, count: int = 100) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    logging.getLogger("leyden").addHandler(logging.NullHandler())  # nothing of what it picked
    print("| | " + " | ".join(WAYS) + " |\n" + "|---" * (1 + len(WAYS)) + "|")
    for name, task in {"M": MLP, "50 layers": MANY}.items():
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, times in found.items():
                times += steps(task, WAYS[way](), count)
        quartiles = [statistics.quantiles(one)[0] for one in found.values()]
        cells = [f"{quartiles[0] * 1e3:.2f} ms", *(f"{one / quartiles[0]:.2f}" for one in quartiles[1:])]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
