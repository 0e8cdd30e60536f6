"""Cluster environments: who told this process its rank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar


class ClusterEnvironment(ABC):
    """Where ranks and addresses come from (torchrun, SLURM, MPI …).

    Attributes:
        priority: of the environments that detect themselves, the one with the highest priority is taken.
    """

    priority: ClassVar[int] = 0

    @staticmethod
    @abstractmethod
    def detect() -> bool:
        """Whether this process was started by this environment."""

    @property
    @abstractmethod
    def creates_processes_externally(self) -> bool:
        """Whether somebody else starts the processes."""

    @property
    @abstractmethod
    def main_address(self) -> str:
        """The address of rank zero."""

    @property
    @abstractmethod
    def main_port(self) -> int:
        """The port of rank zero."""

    @abstractmethod
    def world_size(self) -> int:
        """How many processes there are."""

    @abstractmethod
    def global_rank(self) -> int:
        """The rank of this process among all."""

    @abstractmethod
    def local_rank(self) -> int:
        """The rank of this process on its machine."""

    @abstractmethod
    def node_rank(self) -> int:
        """The rank of this machine."""

    def teardown(self) -> None:
        """Undo what the environment set in this process."""
