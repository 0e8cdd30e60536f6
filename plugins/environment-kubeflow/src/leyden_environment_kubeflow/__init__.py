"""Ranks as Kubeflow's PyTorchJob tells them; importing this imports no torch."""

from __future__ import annotations

import os

from leyden.errors import ConfigurationError
from leyden.interfaces.environment import ClusterEnvironment

__all__ = ["KubeflowEnvironment"]


class KubeflowEnvironment(ClusterEnvironment):
    """Pods of a PyTorchJob, one process each: every process is a machine of its own.

    The operator sets the same variables as other launchers, so this environment does not recognise itself: pass it to
    the Trainer, ``plugins=[KubeflowEnvironment()]``.
    """

    @staticmethod
    def detect() -> bool:
        """Never."""
        return False

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return _variable("MASTER_ADDR")

    @property
    def main_port(self) -> int:
        return int(_variable("MASTER_PORT"))

    def world_size(self) -> int:
        return int(_variable("WORLD_SIZE"))

    def global_rank(self) -> int:
        return int(_variable("RANK"))

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return self.global_rank()

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        if num_devices * num_nodes != self.world_size():
            raise ConfigurationError.about(
                "num_nodes",
                num_nodes,
                f"{self.world_size()}, the job's pods, with devices=1",
                f"Write devices=1 and num_nodes={self.world_size()}.",
            )


def _variable(name: str) -> str:
    """An environment variable that the operator sets.

    Raises:
        leyden.errors.ConfigurationError: it is not there.
    """
    found = os.environ.get(name)
    if found is None:
        raise ConfigurationError(
            f"KubeflowEnvironment needs the variable {name}, which the PyTorchJob operator sets in every pod."
        )
    return found
