"""Checkpoints as torch files: written whole or not at all, checked before they are read."""

from __future__ import annotations

from leyden_checkpoint_io_torch.checkpoint_io import TorchCheckpointIO
from leyden_checkpoint_io_torch.errors import (
    DamagedCheckpointError,
    MissingCheckpointError,
    UnsafeCheckpointError,
)

__all__ = [
    "DamagedCheckpointError",
    "MissingCheckpointError",
    "TorchCheckpointIO",
    "UnsafeCheckpointError",
]
