"""Ranks as torchrun tells them; importing this imports no torch."""

from __future__ import annotations

import os
from typing import ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces.environment import ClusterEnvironment

__all__ = ["TorchElasticEnvironment"]


class TorchElasticEnvironment(ClusterEnvironment):
    """Processes that ``torchrun`` (torch elastic) starts, and starts again when one of them is lost.

    After a restart, processes come back at different times, and the connections between them (gloo's above all)
    sometimes fail at first; so they are tried five times before the run fails.
    """

    priority: ClassVar[int] = 40
    rendezvous_attempts: int = 5

    @staticmethod
    def detect() -> bool:
        return "TORCHELASTIC_RUN_ID" in os.environ

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return os.environ.get("MASTER_ADDR", "127.0.0.1")

    @property
    def main_port(self) -> int:
        return int(os.environ.get("MASTER_PORT", "12910"))

    def world_size(self) -> int:
        return _number("WORLD_SIZE")

    def global_rank(self) -> int:
        return _number("RANK")

    def local_rank(self) -> int:
        return _number("LOCAL_RANK")

    def node_rank(self) -> int:
        return int(os.environ.get("GROUP_RANK", "0"))

    def restarts(self) -> int:
        """How often the processes were started again."""
        return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        if num_devices * num_nodes != self.world_size():
            local = os.environ.get("LOCAL_WORLD_SIZE", "")
            remedy = f"Write devices={local}" + (
                f" and num_nodes={self.world_size() // int(local)}."
                if local.isdigit() and int(local)
                else "."
            )
            raise ConfigurationError.about(
                "devices",
                num_devices,
                f"a number that gives, times num_nodes={num_nodes}, torchrun's {self.world_size()} processes",
                remedy if local else "",
            )


def _number(name: str) -> int:
    """An environment variable that torchrun sets.

    Raises:
        leyden.errors.ConfigurationError: it is not there.
    """
    try:
        return int(os.environ[name])
    except KeyError:
        raise ConfigurationError(
            f"TorchElasticEnvironment needs the variable {name}, which torchrun sets. Start the program with torchrun."
        ) from None
