"""How the processes of a run are started: the program again, or workers that run the Trainer's call."""

from __future__ import annotations

from leyden_distributed.launch.base import Launcher, limit_threads
from leyden_distributed.launch.script import ScriptLauncher
from leyden_distributed.launch.workers import WorkerLauncher, carry_out, pickled, raise_failure, restored

__all__ = [
    "Launcher",
    "ScriptLauncher",
    "WorkerLauncher",
    "carry_out",
    "limit_threads",
    "pickled",
    "raise_failure",
    "restored",
]
