"""What launchers have in common."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch

from leyden_distributed.failures import RankFailureError, ended


class Launcher(ABC):
    """Starts the processes of a run on this machine.

    Args:
        strategy: says how many, and where.
    """

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy

    @abstractmethod
    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        """Run a function in all processes, and return what rank zero's returned."""

    def dead(self) -> dict[int, int]:
        """Exit codes of processes that this one started and that ended badly, by rank."""
        return {}

    def check_alive(self) -> None:
        """Raise when one of them has ended.

        Raises:
            leyden_distributed.RankFailureError: one has.
        """
        for rank, code in self.dead().items():
            raise RankFailureError(
                f"The process of rank {rank} ended with {ended(code)} before the run began. Its own output says why."
            )


def limit_threads(processes: int) -> None:
    """Share the cores between the processes of this machine, unless ``OMP_NUM_THREADS`` says otherwise."""
    if "OMP_NUM_THREADS" not in os.environ and processes > 1:
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
        threads = max(1, cores // processes)
        os.environ["OMP_NUM_THREADS"] = str(threads)
        torch.set_num_threads(threads)


def interactive() -> bool:
    """Whether code is typed in, in a terminal or a notebook, so that there is no program to run again."""
    return hasattr(sys, "ps1")
