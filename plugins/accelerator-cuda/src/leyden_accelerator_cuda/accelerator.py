"""CUDA devices."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden.interfaces import Accelerator, device_indices


class CUDAAccelerator(Accelerator):
    """GPUs that torch drives through its ``cuda`` device type (NVIDIA, and AMD with a ROCm build)."""

    name: ClassVar[str] = "cuda"
    priority: ClassVar[int] = 20

    @staticmethod
    def is_available() -> bool:
        """Whether torch sees a device. Asking does not initialise CUDA, so processes can still fork."""
        return torch.cuda.device_count() > 0

    @staticmethod
    def auto_device_count() -> int:
        """All devices that this process sees."""
        return torch.cuda.device_count()

    @staticmethod
    def absence() -> str:
        """Whether torch or the driver is what is missing."""
        if torch.version.cuda is None and torch.version.hip is None:
            built = f"The installed torch {torch.__version__} was built without CUDA"
            return f"{built}: install one with it, or use accelerator='cpu'."
        return "Look at the driver and at CUDA_VISIBLE_DEVICES, or use accelerator='cpu'."

    def parse_devices(self, devices: Any) -> list[int]:
        """Turn what the user wrote into device indices.

        Args:
            devices: in any of the forms of :func:`leyden.interfaces.device_indices`.

        Raises:
            leyden.errors.ConfigurationError: it means nothing, or the machine has fewer devices.
        """
        hint = "CUDA_VISIBLE_DEVICES decides which devices a process sees."
        count = torch.cuda.device_count()
        return device_indices(devices, count, "CUDA", absence=self.absence(), hint=hint)

    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        """The devices ``cuda:i``."""
        return [torch.device("cuda", index) for index in indices]

    def setup_device(self, device: torch.device) -> None:
        """Make a device the current one.

        Raises:
            leyden.errors.ConfigurationError: it is no CUDA device.
        """
        if device.type != "cuda":
            raise ConfigurationError.about("device", str(device), "cuda", "Choose that device's accelerator.")
        torch.cuda.set_device(device)

    def teardown(self) -> None:
        """Give cached memory back to the driver."""
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def get_device_stats(self, device: torch.device) -> dict[str, Any]:
        """The figures of ``torch.cuda.memory_stats``: counts, and sizes in bytes."""
        return dict(torch.cuda.memory_stats(device))

    def get_rng_state(self) -> dict[str, Any]:
        """The generators of all devices, as ``{"cuda": [ByteTensor, …]}``; empty when CUDA was not used."""
        if not torch.cuda.is_initialized():
            return {}
        return {"cuda": torch.cuda.get_rng_state_all()}

    def set_rng_state(self, state: dict[str, Any]) -> None:
        """Give the generators their state back; where devices are missing, the others, with a warning."""
        states, available = state.get("cuda", []), torch.cuda.device_count()
        if len(states) > available:
            warn(
                "cuda-rng-state",
                f"The random state is of {len(states)} CUDA devices and this process sees {available}; the "
                "others are left out. The run goes on exactly only if it draws no random numbers on them.",
            )
        for index, one in enumerate(states[:available]):
            torch.cuda.set_rng_state(one.cpu(), index)
