"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.checkpoint_io import CheckpointIO as CheckpointIO
from leyden_checkpoint_io_async import AsyncCheckpointIO as AsyncCheckpointIO
from leyden_checkpoint_io_distributed import DistributedCheckpointIO as DistributedCheckpointIO
from leyden_checkpoint_io_fsspec import FsspecCheckpointIO as FsspecCheckpointIO
from leyden_checkpoint_io_torch import TorchCheckpointIO as TorchCheckpointIO

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
