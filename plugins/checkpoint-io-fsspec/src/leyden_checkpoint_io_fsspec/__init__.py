"""Checkpoints on remote storage."""

from __future__ import annotations

from leyden_checkpoint_io_fsspec.checkpoint_io import FsspecCheckpointIO

__all__ = ["FsspecCheckpointIO"]
