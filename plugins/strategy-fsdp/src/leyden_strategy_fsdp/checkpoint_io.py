"""Folders of shards of which each process reads what it holds."""

from __future__ import annotations

import os
from typing import Any

from leyden.interfaces.checkpoint_io import Path
from leyden_checkpoint_io_distributed import DistributedCheckpointIO


class ShardedCheckpointIO(DistributedCheckpointIO):
    """Reads the tensors of folders on the meta device: the strategy fills its own shards with :meth:`load_tensors`."""

    source: str | None = None

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a folder without its tensors, or a whole file."""
        folder = os.path.isdir(path)
        self.source = os.fspath(path) if folder else None
        return super().load_checkpoint(path, "meta" if folder else map_location, weights_only)
