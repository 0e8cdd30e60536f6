"""Ranks as MPI tells them; importing this imports neither torch nor mpi4py."""

from __future__ import annotations

import socket
from importlib import import_module
from typing import Any, ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces.environment import ClusterEnvironment

__all__ = ["MPIEnvironment"]


class MPIEnvironment(ClusterEnvironment):
    """Processes that ``mpirun`` or ``mpiexec`` starts; needs mpi4py.

    MPI tells ranks and machines; tensors go through torch's process group. Machines are counted in the order of their
    names. Rank zero chooses the port and tells the others.

    Raises:
        leyden.errors.ConfigurationError: mpi4py is not installed, or finds no MPI.
    """

    priority: ClassVar[int] = 10

    def __init__(self) -> None:
        found = _mpi()
        if found is None:
            raise ConfigurationError(
                "MPIEnvironment needs mpi4py and an MPI library. Install them, e.g. with: pip install mpi4py"
            )
        self._world = found.COMM_WORLD
        self._local: Any = None
        self._node_rank = 0
        self._main: tuple[str, int] | None = None

    @staticmethod
    def detect() -> bool:
        found = _mpi()
        return found is not None and bool(found.COMM_WORLD.Get_size() > 1)

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self._where()[0]

    @property
    def main_port(self) -> int:
        return self._where()[1]

    def _where(self) -> tuple[str, int]:
        if self._main is None:
            self._main = self._world.bcast((socket.gethostname(), _free_port()), root=0)
        return self._main

    def world_size(self) -> int:
        return int(self._world.Get_size())

    def global_rank(self) -> int:
        return int(self._world.Get_rank())

    def local_rank(self) -> int:
        return int(self._machine().Get_rank())

    def node_rank(self) -> int:
        self._machine()
        return self._node_rank

    def _machine(self) -> Any:
        """The communicator of this machine's processes."""
        if self._local is None:
            name = socket.gethostname()
            names = sorted(set(self._world.allgather(name)))
            self._node_rank = names.index(name)
            self._local = self._world.Split(color=self._node_rank)
        return self._local

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        if num_devices * num_nodes != self.world_size():
            raise ConfigurationError.about(
                "devices",
                num_devices,
                f"a number that gives, times num_nodes={num_nodes}, MPI's {self.world_size()} processes",
            )


def _mpi() -> Any:
    """mpi4py's MPI; ``None`` where it is not installed, or has no library to work with."""
    try:
        return import_module("mpi4py.MPI")
    except (ImportError, RuntimeError):
        return None


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind(("", 0))
        port: int = found.getsockname()[1]
    return port
