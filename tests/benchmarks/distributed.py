"""Overhead of a training step in two processes, over DistributedDataParallel written by hand.

``python -m tests.benchmarks.distributed``: the network 784-256-10 with Adam, batches of 128 in each process, gloo. Both
programs are run in turns by the same two processes, from the same weights, and must end with the same ones. Beside the
time that passed stands the time that the processors worked for rank zero, which depends less on who else uses them.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

import leyden

BATCHES = 30
ROUNDS = 60
SIZE = 128


class Ready:
    """Batches that are there already, so that the step alone is measured."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1 + int(os.environ.get("LOCAL_RANK", 0)))
        self.batches = [
            (torch.randn(SIZE, 784, generator=generator), torch.randint(0, 10, (SIZE,), generator=generator))
            for _ in range(8)
        ]

    def __len__(self) -> int:
        return BATCHES

    def __iter__(self) -> Iterator[Any]:
        return (self.batches[i % len(self.batches)] for i in range(BATCHES))


def network() -> nn.Module:
    """The network, always with the same weights."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


class Net(leyden.LightningModule):
    """The same as a module of Leyden, which notes when its first and its last batch were over."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network()
        self.began, self.ended = clocks(), clocks()

    def on_train_epoch_start(self) -> None:
        """Begin together."""
        dist.barrier()
        self.began = clocks()

    def on_train_epoch_end(self) -> None:
        """The last batch is over."""
        self.ended = clocks()

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """The loss of a batch."""
        x, y = batch
        return cross_entropy(self.net(x), y)

    def configure_optimizers(self) -> Any:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def clocks() -> tuple[float, float]:
    """The time that passes, and the time that the processors work for this process."""
    return time.perf_counter(), time.process_time()


def between(began: tuple[float, float], ended: tuple[float, float]) -> tuple[float, float]:
    """Seconds by both clocks."""
    return ended[0] - began[0], ended[1] - began[1]


def by_hand(data: Ready) -> tuple[tuple[float, float], nn.Module]:
    """Seconds of an epoch written by hand, and the trained network."""
    net = network()
    wrapped = DistributedDataParallel(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    dist.barrier()
    began = clocks()
    for x, y in data:
        loss = cross_entropy(wrapped(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return between(began, clocks()), net


def by_leyden(trainer: leyden.Trainer, data: Ready) -> tuple[tuple[float, float], nn.Module]:
    """Seconds of an epoch of Leyden's, the agreement at its end included, and the trained network."""
    net = Net()
    trainer.fit_loop.max_epochs = trainer.current_epoch + 1
    trainer.fit(net, data)
    return between(net.began, net.ended), net.net


@contextmanager
def silent() -> Iterator[None]:
    """Without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def main(rounds: int = ROUNDS) -> dict[str, float]:
    """Run both in turns, print a row of the table on rank zero, and return its figures."""
    torch.set_num_threads(1)
    data = Ready()
    trainer = leyden.Trainer(
        accelerator="cpu", devices=2, strategy="ddp", max_epochs=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    hand, ours = [], []
    with silent():
        by_leyden(trainer, data)  # makes the process group
        for turn in range(rounds):
            runs = [lambda: by_hand(data), lambda: by_leyden(trainer, data)]
            found = [one() for one in (runs if turn % 2 else reversed(runs))]
            pair = found if turn % 2 else found[::-1]
            hand.append(pair[0][0])
            ours.append(pair[1][0])
            for mine, theirs in zip(pair[0][1].parameters(), pair[1][1].parameters(), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-7)
    wall, work = ([two[i] / one[i] for one, two in zip(hand, ours, strict=True)] for i in range(2))
    figures = {
        "by hand": statistics.median(one[0] for one in hand) / BATCHES,
        "time": statistics.median(wall),
        "processors": statistics.median(work),
        "total": sum(one[0] for one in ours) / sum(one[0] for one in hand),
    }
    if trainer.is_global_zero:
        print("| | by hand | Leyden, median of rounds | in all | processor time |\n|---|---|---|---|---|")
        print(
            f"| M, training, 2 gloo processes | {figures['by hand'] * 1e3:.2f} ms | {figures['time']:.3f} | "
            f"{figures['total']:.3f} | {figures['processors']:.3f} |",
            flush=True,
        )
    return figures


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
