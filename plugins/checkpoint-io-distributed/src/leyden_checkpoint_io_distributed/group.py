"""The processes that write together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.distributed as dist

from leyden.errors import CheckpointError


class Group:
    """All processes of the default process group; one alone where there is none."""

    def __init__(self) -> None:
        self.together = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        self.rank = dist.get_rank() if self.together else 0

    def first(self, make: Callable[[], Any]) -> Any:
        """What rank zero makes, for all; what it raises, all raise.

        Raises:
            leyden.errors.CheckpointError: rank zero failed.
        """
        if not self.together:
            return make()
        held: list[Any] = [None, None]
        error: Exception | None = None
        if self.rank == 0:
            try:
                held[0] = make()
            except Exception as caught:
                error, held[1] = caught, f"{type(caught).__name__}: {caught}"
        dist.broadcast_object_list(held)
        if error is not None:
            raise error
        if held[1] is not None:
            raise CheckpointError(f"Rank 0 could not write the checkpoint: {held[1]}")
        return held[0]

    def gathered(self, value: Any) -> list[Any]:
        """The values of all processes, everywhere."""
        if not self.together:
            return [value]
        held: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(held, value)
        return held
