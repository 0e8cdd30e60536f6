"""Folders of shards of which each process reads what it holds."""

from __future__ import annotations

import os
from typing import Any

from leyden.interfaces.checkpoint_io import Path
from leyden_checkpoint_io_distributed import DistributedCheckpointIO
from leyden_checkpoint_io_distributed.checkpoint_io import REST


class ShardedCheckpointIO(DistributedCheckpointIO):
    """Reads weights and optimizer states of folders on the meta device.

    The strategy fills its own shards with :meth:`load_tensors`.
    """

    source: str | None = None

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a folder without those tensors, or a whole file."""
        self.source = os.fspath(path) if os.path.isdir(path) else None
        if self.source is None:
            return super().load_checkpoint(path, map_location, weights_only)
        found = super().load_checkpoint(path, "meta", weights_only)
        rest = super().load_checkpoint(os.path.join(self.source, REST), map_location, weights_only)
        return {**rest, **{key: found[key] for key in ("state_dict", "optimizer_states") if key in found}}
