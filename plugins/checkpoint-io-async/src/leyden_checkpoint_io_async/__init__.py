"""Checkpoints that are written in the background."""

from __future__ import annotations

from leyden_checkpoint_io_async.checkpoint_io import AsyncCheckpointIO

__all__ = ["AsyncCheckpointIO"]
