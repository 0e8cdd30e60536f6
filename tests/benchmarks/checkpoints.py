"""How long a save keeps training waiting.

``python -m tests.benchmarks.checkpoints [MIB] [FOLDER]``: medians of rounds in which the ways take turns, each round
beginning with another, and medians of the ratios within a round. Between two saves everything in the background ends,
outside of what is measured.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp

from leyden_checkpoint_io_async import AsyncCheckpointIO
from leyden_checkpoint_io_torch import TorchCheckpointIO

ROUNDS = 12
TENSORS = 16
Way = tuple[Callable[[], Any], Callable[[Any], None]]


def content(mebibytes: int) -> dict[str, Any]:
    """A checkpoint of so many MiB: weights, and two moments an optimizer keeps of each."""
    size = mebibytes * 2**20 // 4 // (3 * TENSORS)
    weights = {f"layer{one}.weight": torch.rand(size) for one in range(TENSORS)}
    states = [{"exp_avg": torch.rand(size), "exp_avg_sq": torch.rand(size)} for _ in weights]
    return {"state_dict": weights, "optimizer_states": [{"state": dict(enumerate(states))}]}


def ways(checkpoint: dict[str, Any], folder: str) -> dict[str, Way]:
    """Each way: what is measured, and what comes after it."""
    plain, asynchronous = TorchCheckpointIO(), AsyncCheckpointIO()
    fresh = AsyncCheckpointIO(reuse_memory=False)

    def path(name: str) -> str:
        return os.path.join(folder, name)

    def synced() -> None:
        with open(path("synced"), "wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())

    def renamed() -> None:
        with open(path(".renamed"), "wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path(".renamed"), path("renamed"))

    return {
        "torch.save": (lambda: torch.save(checkpoint, path("torch")), lambda _: None),
        "torch.save and fsync": (synced, lambda _: None),
        "the same, new file and rename": (renamed, lambda _: None),
        "TorchCheckpointIO": (lambda: plain.save_checkpoint(checkpoint, path("ours")), lambda _: None),
        "AsyncCheckpointIO": (
            lambda: asynchronous.save_checkpoint(checkpoint, path("async")),
            lambda _: asynchronous.wait(),
        ),
        "AsyncCheckpointIO(reuse_memory=False)": (
            lambda: fresh.save_checkpoint(checkpoint, path("fresh")),
            lambda _: fresh.wait(),
        ),
        "dcp.async_save": (
            lambda: dcp.async_save(checkpoint, checkpoint_id=path("dcp")),
            lambda future: future.result(),
        ),
    }


def measured(mebibytes: int, folder: str) -> dict[str, list[tuple[float, float]]]:
    """Seconds of waiting, and until the file stands, in each round."""
    candidates = ways(content(mebibytes), folder)
    seconds: dict[str, list[tuple[float, float]]] = {}
    names = list(candidates)
    for turn in range(ROUNDS + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            save, end = candidates[name]
            began = time.perf_counter()
            result = save()
            stalled = time.perf_counter() - began
            end(result)
            if turn:  # the first round warms up
                seconds.setdefault(name, []).append((stalled, time.perf_counter() - began))
    return seconds


def main(mebibytes: int, folder: str) -> None:
    """Print the table."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        found = measured(mebibytes, folder)
    finally:
        dist.destroy_process_group()
    base = found["torch.save and fsync"]
    print(f"| {mebibytes} MiB | training waits | of torch.save and fsync | until the file stands |")
    print("|---|---|---|---|")
    for name in ways({}, ""):
        rounds = found[name]
        stalled, done = (statistics.median(one) * 1e3 for one in zip(*rounds, strict=True))
        ratio = statistics.median(one[0] / other[0] for one, other in zip(rounds, base, strict=True))
        print(f"| {name} | {stalled:.0f} ms | {ratio:.2f} | {done:.0f} ms |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    place = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()
    os.makedirs(place, exist_ok=True)
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 256, place)
    finally:
        shutil.rmtree(place)
