"""What ``Trainer(fast="auto")`` gives: ``python -m tests.benchmarks.fast`` prints a table.

A step's time is that between two batches that are fetched, so that neither start nor end counts; of the steps of all
rounds the lower quartile is taken, which other programs on the machine disturb least.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Iterator
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


def steps(task: Task, fast: bool | str, count: int = 100) -> list[float]:
    """Seconds of each step but the first ten."""
    loader = Clocked(task, count)
    module = subjects.module_of("leyden", task)
    subjects.trainer_of("leyden", fast=fast).fit(module, loader)
    return [(two - one) * 1e-9 for one, two in zip(loader.times[10:], loader.times[11:], strict=False)]


def main(rounds: int = 9) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    logging.getLogger("leyden").addHandler(logging.NullHandler())  # nothing of what it picked
    print(f"{'':12}{'as it is':>14}{'fast':>14}{'times faster':>16}")
    for name, task in {"M": MLP, "50 layers": MANY}.items():
        found: dict[bool | str, list[float]] = {False: [], "auto": []}
        for _ in range(rounds):
            for fast, times in found.items():
                times += steps(task, fast)
        plain, quick = (statistics.quantiles(one)[0] for one in found.values())
        print(f"{name:12}{plain * 1e6:11.0f} us{quick * 1e6:11.0f} us{plain / quick:16.2f}", flush=True)


if __name__ == "__main__":
    main()
