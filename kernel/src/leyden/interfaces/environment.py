"""Cluster environments: who told this process its rank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar


class ClusterEnvironment(ABC):
    """Where ranks and addresses come from (torchrun, SLURM, MPI …).

    Attributes:
        priority: of the environments that detect themselves, the one with the highest priority is taken.
        rendezvous_attempts: how often processes try to connect with each other before the run fails.
    """

    priority: ClassVar[int] = 0
    rendezvous_attempts: int = 3

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

    def set_world_size(self, size: int) -> None:
        """Take the number of processes from the strategy; those who were told by a launcher keep theirs."""

    def set_global_rank(self, rank: int) -> None:
        """Take the rank from the strategy; those who were told by a launcher keep theirs."""

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """Compare the Trainer's keywords with what the launcher started.

        Raises:
            leyden.errors.ConfigurationError: they do not fit; says what to write.
        """

    def resumes_from(self, folder: str) -> str | None:
        """The checkpoint that a job which was started again goes on from, if nothing else is asked for.

        Args:
            folder: the Trainer's ``default_root_dir``.
        """
        return None

    def teardown(self) -> None:
        """Undo what the environment set in this process."""
