"""Accelerators: the hardware a run computes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch


class Accelerator(ABC):
    """One kind of hardware.

    Attributes:
        name: what users write, e.g. ``"cuda"``.
        priority: ``accelerator="auto"`` takes the available one with the highest priority: of the official ones tpu
            has 40, mps 30, cuda 20, cpu 0.
    """

    name: ClassVar[str]
    priority: ClassVar[int] = 10

    @staticmethod
    @abstractmethod
    def is_available() -> bool:
        """Whether this machine has the hardware and this Python the software for it."""

    @staticmethod
    @abstractmethod
    def auto_device_count() -> int:
        """How many devices ``devices="auto"`` takes."""

    @staticmethod
    def absence() -> str:
        """Why this machine has no device, and what to install, as sentences for an error; empty when unknown."""
        return ""

    @staticmethod
    def auto_strategy(processes: int) -> str | None:
        """The strategy that ``strategy="auto"`` takes on this hardware; ``None`` for the one of any hardware.

        Args:
            processes: devices over all machines.
        """
        return None

    @abstractmethod
    def parse_devices(self, devices: Any) -> list[int]:
        """Turn what the user wrote into device indices.

        Args:
            devices: an int (that many), ``"auto"``, ``-1`` (all), a list of indices, or a string of any of these.

        Raises:
            leyden.errors.ConfigurationError: it means nothing, or the machine has fewer.
        """

    @abstractmethod
    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        """The torch devices of some indices."""

    def setup_device(self, device: torch.device) -> None:
        """Make a device the current one of this process."""

    def teardown(self) -> None:
        """Release what the run held on the device (caches)."""

    def get_device_stats(self, device: torch.device) -> dict[str, Any]:
        """Figures about a device, e.g. memory in use, by name."""
        return {}

    def get_rng_state(self) -> dict[str, Any]:
        """The random generators of the devices, for exact resume."""
        return {}

    def set_rng_state(self, state: dict[str, Any]) -> None:
        """Give the random generators their state back."""
