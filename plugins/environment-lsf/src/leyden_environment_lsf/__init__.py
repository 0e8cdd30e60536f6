"""Ranks as LSF's jsrun tells them; importing this imports no torch."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces.environment import ClusterEnvironment

__all__ = ["LSFEnvironment"]

NEEDED = ("LSB_JOBID", "LSB_DJOB_RANKFILE", "JSM_NAMESPACE_LOCAL_RANK", "JSM_NAMESPACE_SIZE")


class LSFEnvironment(ClusterEnvironment):
    """Processes that ``jsrun`` starts in a job of LSF.

    Ranks are those of the job step manager (``JSM_NAMESPACE_RANK``, ``…_LOCAL_RANK``, ``…_SIZE``). Machines are
    counted in the order of the rank file ``LSB_DJOB_RANKFILE``, whose first line is the machine that launches and takes
    no part; the first of the others has rank zero. The port follows from the job's number, unless ``MASTER_PORT`` says
    otherwise.

    Raises:
        leyden.errors.ConfigurationError: a variable is missing, or this machine does not stand in the rank file.
    """

    priority: ClassVar[int] = 20

    def __init__(self) -> None:
        hosts = list(dict.fromkeys(_hosts()))
        self._main_address = hosts[0]
        name = socket.gethostname()
        if name not in hosts:
            raise ConfigurationError(
                f"This machine, {name}, does not stand in LSB_DJOB_RANKFILE, which names {', '.join(hosts)}. "
                "Start the program with jsrun."
            )
        self._node_rank = hosts.index(name)

    @staticmethod
    def detect() -> bool:
        return all(name in os.environ for name in NEEDED)

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self._main_address

    @property
    def main_port(self) -> int:
        given = os.environ.get("MASTER_PORT")
        return int(given) if given is not None else int(_variable("LSB_JOBID")) % 1000 + 10000

    def world_size(self) -> int:
        return int(_variable("JSM_NAMESPACE_SIZE"))

    def global_rank(self) -> int:
        return int(_variable("JSM_NAMESPACE_RANK"))

    def local_rank(self) -> int:
        return int(_variable("JSM_NAMESPACE_LOCAL_RANK"))

    def node_rank(self) -> int:
        return self._node_rank

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        if num_devices * num_nodes != self.world_size():
            raise ConfigurationError.about(
                "devices",
                num_devices,
                f"a number that gives, times num_nodes={num_nodes}, jsrun's {self.world_size()} processes",
            )


def _hosts() -> list[str]:
    path = Path(_variable("LSB_DJOB_RANKFILE"))
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise ConfigurationError(f"LSB_DJOB_RANKFILE={str(path)!r} cannot be read: {error}") from error
    found = [line for line in lines if line][1:]
    if not found:
        raise ConfigurationError(
            f"LSB_DJOB_RANKFILE={str(path)!r} names no machine beside the launching one."
        )
    return found


def _variable(name: str) -> str:
    found = os.environ.get(name)
    if not found:
        raise ConfigurationError(
            f"LSFEnvironment needs the variable {name}. Start the program with jsrun, in a job of LSF."
        )
    return found
