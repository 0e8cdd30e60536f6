"""Random generators: seeding, saving, giving back."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from leyden.plugins.errors import ConfigurationError

MAX_SEED = 2**32 - 1


def seed_everything(seed: int | None = None, workers: bool = False, verbose: bool = True) -> int:
    """Seed Python, NumPy and torch (all devices), and say which seed it was.

    Args:
        seed: from 0 to 2**32 - 1; taken from ``PL_GLOBAL_SEED`` when ``None``, else 0.
        workers: seed dataloader workers from it as well (torch derives worker seeds from the torch seed in any case;
            NumPy and Python in workers follow it only with ``True``).
        verbose: print the seed on rank zero.

    Returns:
        The seed.

    Raises:
        leyden.errors.ConfigurationError: the seed is no int in range.
    """
    given = os.environ.get("PL_GLOBAL_SEED", "0") if seed is None else seed
    try:
        value = int(given) if not isinstance(given, bool | float) else None
    except (TypeError, ValueError):
        value = None
    if value is None or not 0 <= value <= MAX_SEED:
        raise ConfigurationError.about("seed_everything(seed)", given, f"an int from 0 to {MAX_SEED}")
    if verbose:
        from leyden.api.rank_zero import rank_zero_info

        rank_zero_info(f"Seed set to {value}")
    os.environ["PL_GLOBAL_SEED"] = str(value)
    os.environ["PL_SEED_WORKERS"] = str(int(workers))
    random.seed(value)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(value)
    torch.manual_seed(value)
    return value


def rng_state() -> dict[str, Any]:
    """The state of the process's generators as plain data and tensors."""
    version, internal, gauss = random.getstate()
    state: dict[str, Any] = {"torch": torch.get_rng_state(), "python": [version, list(internal), gauss]}
    if "numpy" in sys.modules:
        kind, keys, position, has_gauss, cached = sys.modules["numpy"].random.get_state()
        state["numpy"] = [
            kind,
            torch.from_numpy(keys.astype("int64")),
            int(position),
            int(has_gauss),
            float(cached),
        ]
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Give the generators the state back that :func:`rng_state` took."""
    torch.set_rng_state(state["torch"])
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    if "numpy" in state:
        import numpy

        kind, keys, position, has_gauss, cached = state["numpy"]
        numpy.random.set_state((kind, keys.numpy().astype("uint32"), position, has_gauss, cached))


@contextmanager
def isolate_rng() -> Iterator[None]:
    """Leave the generators as they were, whatever happens inside."""
    state = rng_state()
    devices = (
        torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    )
    try:
        yield
    finally:
        set_rng_state(state)
        if devices:
            torch.cuda.set_rng_state_all(devices)
