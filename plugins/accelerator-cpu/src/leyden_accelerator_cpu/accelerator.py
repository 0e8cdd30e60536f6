"""The CPU: a device is a process."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Accelerator

ALLOWED = "a positive number of processes, as an int or a string; 'auto' or -1 for one"


class CPUAccelerator(Accelerator):
    """The central processor. ``devices`` counts processes, because a CPU has no device indices."""

    name: ClassVar[str] = "cpu"
    priority: ClassVar[int] = 0

    @staticmethod
    def is_available() -> bool:
        """Always true."""
        return True

    @staticmethod
    def auto_device_count() -> int:
        """One process."""
        return 1

    def parse_devices(self, devices: Any) -> list[int]:
        """Turn a number of processes into the indices 0 to n - 1.

        Args:
            devices: an int >= 1; ``"auto"`` or ``-1`` (one); the list of indices ``[0, …, n - 1]``; or one of
                these as a string, e.g. ``"2"`` or ``"0,1"``.

        Raises:
            leyden.errors.ConfigurationError: anything else.
        """
        return list(range(_count(devices)))

    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        """The CPU, once for each process."""
        return [torch.device("cpu") for _ in indices]

    def setup_device(self, device: torch.device) -> None:
        """Nothing has to be made current; a device of another kind is refused.

        Raises:
            leyden.errors.ConfigurationError: the device is no CPU.
        """
        if device.type != "cpu":
            raise ConfigurationError.about("device", str(device), "cpu", "Choose that device's accelerator.")

    def get_device_stats(self, device: torch.device) -> dict[str, float]:
        """Load of the whole machine in percent: ``cpu_percent``, ``cpu_vm_percent``, ``cpu_swap_percent``.

        Raises:
            leyden.errors.ConfigurationError: psutil is not installed.
        """
        try:
            psutil = import_module("psutil")
        except ImportError as error:
            raise ConfigurationError(
                "Statistics of the CPU need psutil, which is not installed. "
                "Install it with: pip install 'leyden-accelerator-cpu[stats]'"
            ) from error
        return {
            "cpu_percent": float(psutil.cpu_percent()),
            "cpu_vm_percent": float(psutil.virtual_memory().percent),
            "cpu_swap_percent": float(psutil.swap_memory().percent),
        }


def _count(devices: Any) -> int:
    """The number of processes that was asked for."""
    given = _read(devices) if isinstance(devices, str) else devices
    if given == -1 and type(given) is int:
        return CPUAccelerator.auto_device_count()
    if isinstance(given, list | tuple) and all(type(one) is int for one in given):
        if not given or list(given) != list(range(len(given))):
            raise ConfigurationError.about("devices", devices, ALLOWED, _remedy(given))
        return len(given)
    if type(given) is not int:
        kind = ConfigurationError if isinstance(devices, str) else ArgumentTypeError
        raise kind.about("devices", devices, ALLOWED, _remedy(given))
    if given < 1:
        raise ConfigurationError.about("devices", devices, ALLOWED, _remedy(given))
    return given


def _read(text: str) -> int | list[int] | None:
    """What a string stands for; ``None`` when it is no number and no list of numbers."""
    if text.strip() == "auto":
        return -1
    try:
        if "," in text:
            return [int(part) for part in text.split(",") if part.strip()]
        return int(text)
    except ValueError:
        return None


def _remedy(given: Any) -> str:
    if isinstance(given, list | tuple) and given:
        return f"The CPU has no devices to choose from: write devices={len(given)} for as many processes."
    return "Write devices=1 for one process."
