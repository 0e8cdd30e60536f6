"""Sharded checkpoints."""

from __future__ import annotations

from leyden_checkpoint_io_distributed.checkpoint_io import DistributedCheckpointIO

__all__ = ["DistributedCheckpointIO"]
