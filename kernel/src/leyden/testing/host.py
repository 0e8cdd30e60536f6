"""Components without which there is no run, for environments where no plugin offers them: this process, its CPU."""

from __future__ import annotations

import os
import pickle
from pathlib import Path as FilePath
from typing import Any, ClassVar

import torch

from leyden.errors import CheckpointError
from leyden.interfaces.accelerator import Accelerator
from leyden.interfaces.checkpoint_io import CheckpointIO, Path
from leyden.interfaces.strategy import Strategy
from leyden.plugins.errors import ConfigurationError


class HostAccelerator(Accelerator):
    """The processor that runs the tests; a device is a process."""

    name: ClassVar[str] = "host"
    priority: ClassVar[int] = -1

    @staticmethod
    def is_available() -> bool:
        """Always."""
        return True

    @staticmethod
    def auto_device_count() -> int:
        """One."""
        return 1

    def parse_devices(self, devices: Any) -> list[int]:
        """The indices of so many processes; 0 for whatever means one device."""
        if type(devices) is int and devices > 1:
            return list(range(devices))
        if devices not in (1, "1", "auto", -1, "-1", [0]) or isinstance(devices, bool):
            raise ConfigurationError.about(
                "devices", devices, "an int of at least 1, 'auto', -1 or [0] on this accelerator"
            )
        return [0]

    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        """The cpu, once for each index."""
        return [torch.device("cpu") for _ in indices]


class HostStrategy(Strategy):
    """One process that says it is any of several, so that what a rank does can be seen without starting others.

    Args:
        rank: the rank it says it has.
        world_size: how many processes it says there are.
    """

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        super().__init__()
        self._rank, self._world_size = rank, world_size

    @property
    def root_device(self) -> torch.device:
        """The cpu."""
        return torch.device("cpu")

    @property
    def world_size(self) -> int:
        """As given."""
        return self._world_size

    @property
    def global_rank(self) -> int:
        """As given."""
        return self._rank

    @property
    def local_rank(self) -> int:
        """As given."""
        return self._rank


class HostCheckpointIO(CheckpointIO):
    """``torch.save`` and a rename, ``torch.load`` of data alone."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
        """Write the file."""
        if storage_options is not None:
            raise ConfigurationError.about("storage_options", storage_options, "None")
        temporary = FilePath(f"{os.fspath(path)}.part")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        torch.save(checkpoint, temporary)
        temporary.replace(path)

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read the file."""
        try:
            found: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=weights_only)
        except pickle.UnpicklingError as error:
            raise CheckpointError(f"{path} holds more than data: {error}") from error
        return found

    def remove_checkpoint(self, path: Path) -> None:
        """Remove the file."""
        FilePath(path).unlink(missing_ok=True)
