"""Ranks as the XLA runtime numbers its devices."""

from __future__ import annotations

import os
from typing import Any

from leyden.interfaces.environment import ClusterEnvironment

PORT = 12355


class XLAEnvironment(ClusterEnvironment):
    """A process for each device of the runtime.

    The runtime is asked from :meth:`begin` on, which a process calls that torch_xla has started: asking it earlier, in
    the program's own process, would take the devices away from the others.
    """

    def __init__(self) -> None:
        self.began = False

    @staticmethod
    def detect() -> bool:
        """Never: the strategy brings it."""
        return False

    def begin(self) -> None:
        """This process has a device."""
        self.began = True

    @property
    def creates_processes_externally(self) -> bool:
        return self.began

    @property
    def main_address(self) -> str:
        """``MASTER_ADDR`` where it is set, which the launcher does on one machine; else what the runtime says."""
        given = os.environ.get("MASTER_ADDR")
        return given if given is not None else str(_runtime().get_master_ip())

    @property
    def main_port(self) -> int:
        return int(os.environ.get("MASTER_PORT", PORT))

    def world_size(self) -> int:
        return int(_runtime().world_size()) if self.began else 1

    def global_rank(self) -> int:
        return int(_runtime().global_ordinal()) if self.began else 0

    def local_rank(self) -> int:
        return int(_runtime().local_ordinal()) if self.began else 0

    def node_rank(self) -> int:
        return int(_runtime().host_index()) if self.began else 0


def _runtime() -> Any:
    from leyden_accelerator_xla.engine import engine  # imports torch

    return engine("torch_xla.runtime")
