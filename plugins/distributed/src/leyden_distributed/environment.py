"""The environment of those whom nobody told their rank: one machine, or machines that were started by hand."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from typing import ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces.environment import ClusterEnvironment

LOOPBACK = "127."
SIOCGIFADDR = 0x8915
"""Linux's request for the address of an interface."""


class LightningEnvironment(ClusterEnvironment):
    """Ranks follow from the variables ``LOCAL_RANK`` and ``NODE_RANK`` where they are set, else from the strategy.

    With ``LOCAL_RANK`` in the environment, somebody else starts the processes; without it the strategy does.
    ``MASTER_ADDR`` and ``MASTER_PORT`` say where rank zero is; by default this machine, and a free port of it.
    """

    priority: ClassVar[int] = -1

    def __init__(self) -> None:
        self._main_port = -1
        self._global_rank, self._world_size = 0, 1

    @staticmethod
    def detect() -> bool:
        """Always: it is what remains when no other environment finds itself."""
        return True

    @property
    def creates_processes_externally(self) -> bool:
        return "LOCAL_RANK" in os.environ

    @property
    def main_address(self) -> str:
        return os.environ.get("MASTER_ADDR", "127.0.0.1")

    @property
    def main_port(self) -> int:
        if self._main_port == -1:
            given = os.environ.get("MASTER_PORT")
            self._main_port = int(given) if given is not None else find_free_network_port()
        return self._main_port

    def world_size(self) -> int:
        return self._world_size

    def set_world_size(self, size: int) -> None:
        self._world_size = size

    def global_rank(self) -> int:
        return self._global_rank

    def set_global_rank(self, rank: int) -> None:
        self._global_rank = rank

    def local_rank(self) -> int:
        return int(os.environ.get("LOCAL_RANK", 0))

    def node_rank(self) -> int:
        return int(os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", 0)))

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        if self.local_rank() >= num_devices:
            raise ConfigurationError.about(
                "devices",
                num_devices,
                f"more than LOCAL_RANK={self.local_rank()}",
                "It is the number of processes on this machine.",
            )
        if self.node_rank() >= num_nodes:
            raise ConfigurationError.about(
                "num_nodes",
                num_nodes,
                f"more than NODE_RANK={self.node_rank()}",
                "It is the number of machines.",
            )


def interface_to(host: str) -> str | None:
    """The interface by which this machine reaches another; ``None`` where it is this machine itself, or not known.

    Args:
        host: name or IPv4 address of the other.
    """
    if sys.platform != "linux":
        return None
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        try:
            found.connect((host, 9))  # nothing is sent
        except OSError:
            return None
        own = found.getsockname()[0]
        for _, name in [] if own.startswith(LOOPBACK) else socket.if_nameindex():
            with contextlib.suppress(OSError):  # it has no such address
                told = fcntl.ioctl(found, SIOCGIFADDR, struct.pack("256s", name.encode()))
                if socket.inet_ntoa(told[20:24]) == own:
                    return name
    return None


def find_free_network_port() -> int:
    """A port of this machine that nobody listens on; ``STANDALONE_PORT`` where that variable is set."""
    if "STANDALONE_PORT" in os.environ:
        return int(os.environ["STANDALONE_PORT"])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind(("", 0))
        port: int = found.getsockname()[1]
    return port
