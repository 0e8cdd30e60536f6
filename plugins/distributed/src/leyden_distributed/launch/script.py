"""Further processes that run the same program."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from leyden.errors import ConfigurationError
from leyden_distributed.launch.base import Launcher, interactive, limit_threads

FAREWELL = 30.0
"""Seconds that further processes have to end after the first one's program has."""


class _Children:
    """The processes that this one started. The program is run again once, whatever number of Trainers it makes."""

    processes: ClassVar[dict[int, subprocess.Popen[bytes]]] = {}


class ScriptLauncher(Launcher):
    """Runs the program again for each further process of this machine, with the same arguments.

    Each is told its place by ``LOCAL_RANK``, ``NODE_RANK``, ``WORLD_SIZE``, ``MASTER_ADDR`` and ``MASTER_PORT``.
    Where the environment starts the processes (torchrun, srun), nothing is started.
    """

    @staticmethod
    def check(strategy: Any) -> None:
        """Refuse where there is no program to run again.

        Raises:
            leyden.errors.ConfigurationError: code is typed in, and the environment starts no processes.
        """
        if (
            interactive()
            and not strategy.environment.creates_processes_externally
            and strategy.num_processes > 1
        ):
            raise _nothing_to_run_again(strategy, "in an interactive session")

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        """Run it here, after the further processes were started.

        Raises:
            leyden.errors.ConfigurationError: the program is no file's.
        """
        strategy = self.strategy
        if strategy.num_processes > 1 and not strategy.environment.creates_processes_externally:
            self._start()
        self.check_alive()
        limit_threads(strategy.num_processes)
        try:
            return function()
        except BaseException:
            if not strategy.joined:
                end_children(0.0)  # they wait for this process, which will not come
            raise

    def _start(self) -> None:
        strategy, environment = self.strategy, self.strategy.environment
        command = program()
        if not command:
            raise _nothing_to_run_again(strategy, "where the program is no file's")
        os.environ.update(
            MASTER_ADDR=environment.main_address,
            MASTER_PORT=str(environment.main_port),
            NODE_RANK=str(environment.node_rank()),
            LOCAL_RANK=str(environment.local_rank()),
            WORLD_SIZE=str(strategy.num_processes * strategy.num_nodes),
        )
        for local_rank in range(1, strategy.num_processes):
            rank = environment.node_rank() * strategy.num_processes + local_rank
            _Children.processes[rank] = subprocess.Popen(
                command, env={**os.environ, "LOCAL_RANK": str(local_rank)}
            )
        atexit.register(end_children, FAREWELL)

    def dead(self) -> dict[int, int]:
        codes = {rank: one.poll() for rank, one in _Children.processes.items()}
        return {rank: code for rank, code in codes.items() if code}


def program() -> Sequence[str]:
    """The command that runs the program again; empty where it was text, of ``-c`` or of the standard input."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    if spec is None:
        if not os.path.exists(sys.argv[0]):
            return []
        return [sys.executable, *flags, os.path.abspath(sys.argv[0]), *sys.argv[1:]]
    name = spec.name.removesuffix(".__main__") if spec.name.endswith(".__main__") else spec.name
    return [sys.executable, *flags, "-m", name, *sys.argv[1:]]


def _nothing_to_run_again(strategy: Any, where: str) -> ConfigurationError:
    allowed = f"one that needs no program to run again, {where}"
    remedy = "Write strategy='ddp_notebook', or put the program into a file."
    return ConfigurationError.about("strategy", type(strategy).__name__, allowed, remedy)


def end_children(seconds: float) -> None:
    """Wait for the further processes, then end those that are left."""
    until = time.monotonic() + seconds
    for one in _Children.processes.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.wait(max(0.0, until - time.monotonic()))
    for end in (subprocess.Popen.terminate, subprocess.Popen.kill):
        for one in _Children.processes.values():
            if one.poll() is None:
                end(one)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    one.wait(3)
