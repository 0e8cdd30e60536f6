"""Ranks as Ray gives them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

from leyden.errors import DetachedError
from leyden.interfaces.environment import ClusterEnvironment


@dataclass(frozen=True)
class Place:
    """Where one of the workers is.

    Attributes:
        rank: of the worker among all.
        local_rank: among those of its machine.
        node_rank: of its machine.
        world_size: workers in all.
        local_size: workers on its machine.
        address: of rank zero's machine.
        port: of rank zero.
    """

    rank: int
    local_rank: int
    node_rank: int
    world_size: int
    local_size: int
    address: str
    port: int


class RayEnvironment(ClusterEnvironment):
    """A worker of Ray Train, or one that ``RayStrategy`` has started.

    Args:
        place: where ``RayStrategy`` put this worker; ``None`` asks Ray Train.
    """

    priority: ClassVar[int] = 20

    def __init__(self, place: Place | None = None) -> None:
        self.place = place

    @staticmethod
    def detect() -> bool:
        """Whether this process is a worker of Ray Train; without ``ray.train`` imported it is none."""
        return _context() is not None

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self.place.address if self.place is not None else os.environ["MASTER_ADDR"]

    @property
    def main_port(self) -> int:
        return self.place.port if self.place is not None else int(os.environ["MASTER_PORT"])

    def world_size(self) -> int:
        return self.place.world_size if self.place is not None else int(_train().get_world_size())

    def global_rank(self) -> int:
        return self.place.rank if self.place is not None else int(_train().get_world_rank())

    def local_rank(self) -> int:
        return self.place.local_rank if self.place is not None else int(_train().get_local_rank())

    def node_rank(self) -> int:
        return self.place.node_rank if self.place is not None else int(_train().get_node_rank())


def _context() -> Any:
    """Ray Train's context of this worker, where it is one."""
    train = sys.modules.get("ray.train")
    if train is None:
        return None
    try:
        context = train.get_context()
        context.get_world_size()
    except RuntimeError:
        return None
    return context


def _train() -> Any:
    found = _context()
    if found is None:
        raise DetachedError(
            "RayEnvironment() takes its ranks from Ray Train, and this process is none of its workers."
        )
    return found
