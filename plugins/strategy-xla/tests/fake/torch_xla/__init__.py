"""A fake of torch_xla, for tests: the functions that Leyden calls, with the signatures of torch_xla 2.9.

Its devices are the CPU. Processes are started as torch_xla does, by a pool in which each runs the function in a thread,
and collectives go through a gloo group of the fake's own. The number of chips is ``FAKE_TPU_CHIPS``. Nothing here says
how the real one compiles, or how fast it is.
"""

from __future__ import annotations

import torch

from torch_xla import _processes

syncs = 0


def device(index: int | None = None) -> torch.device:
    """The CPU in place of ``xla:index``."""
    _processes.started = True
    return torch.device("cpu")


def sync(wait: bool = False, reset_scope: bool = True) -> None:
    """Counts."""
    global syncs
    syncs += 1


def launch(fn, args=(), start_method="spawn", debug_single_process=False):  # type: ignore[no-untyped-def]
    """Run a function in a process for each chip."""
    _processes.launch(fn, args, start_method)
