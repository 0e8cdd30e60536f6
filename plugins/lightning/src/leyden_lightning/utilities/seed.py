"""Random generators."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from leyden.api.rng import MAX_SEED, seed_everything
from leyden.api.rng import isolate_rng as kernel_isolate_rng

__all__ = [
    "isolate_rng",
    "max_seed_value",
    "min_seed_value",
    "pl_worker_init_function",
    "reset_seed",
    "seed_everything",
]

max_seed_value = MAX_SEED
min_seed_value = 0


@contextmanager
def isolate_rng(include_cuda: bool = True) -> Iterator[None]:
    """Leave the random generators as they were.

    Args:
        include_cuda: those of CUDA devices as well.
    """
    if include_cuda:
        with kernel_isolate_rng():
            yield
        return
    before = _collect_rng_states(include_cuda=False)
    try:
        yield
    finally:
        _set_rng_states(before)


def reset_seed() -> None:
    """Seed again with what :func:`seed_everything` was last given; nothing when it was not called."""
    seed = os.environ.get("PL_GLOBAL_SEED")
    if seed is not None:
        seed_everything(int(seed), workers=os.environ.get("PL_SEED_WORKERS", "0") == "1", verbose=False)


def pl_worker_init_function(worker_id: int, rank: int | None = None) -> None:
    """Seed torch, NumPy and Python in a loader worker, each process and worker apart.

    Args:
        worker_id: the worker.
        rank: the process; that of this one when ``None``.
    """
    from leyden.api.rank_zero import rank as own_rank

    process = own_rank() if rank is None else rank
    base = torch.initial_seed() - worker_id
    generator = torch.Generator().manual_seed((base + 1_000_003 * worker_id + 998_244_353 * process) % 2**63)
    numbers = torch.randint(0, 2**32, (6,), generator=generator).tolist()
    torch.manual_seed(numbers[0])
    random.seed(numbers[1])
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(numbers[2:])


def _collect_rng_states(include_cuda: bool = True) -> dict[str, Any]:
    from leyden.api.rng import rng_state

    states = rng_state()
    if include_cuda and torch.cuda.is_available():
        states["torch.cuda"] = torch.cuda.get_rng_state_all()
    return states


def _set_rng_states(rng_state_dict: dict[str, Any]) -> None:
    from leyden.api.rng import set_rng_state

    set_rng_state(rng_state_dict)
    if "torch.cuda" in rng_state_dict:
        torch.cuda.set_rng_state_all(rng_state_dict["torch.cuda"])
