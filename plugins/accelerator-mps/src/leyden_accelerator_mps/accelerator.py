"""The one GPU of a Mac with Apple silicon, through torch's Metal Performance Shaders backend."""

from __future__ import annotations

import platform
from typing import Any, ClassVar

import torch

from leyden.errors import ConfigurationError
from leyden.interfaces import Accelerator, device_indices


class MPSAccelerator(Accelerator):
    """The device ``mps:0``: a Mac has one, and torch no collectives for it, so a run on it has one process."""

    name: ClassVar[str] = "mps"
    priority: ClassVar[int] = 30

    @staticmethod
    def is_available() -> bool:
        """Whether this is a Mac with Apple silicon and torch was built for it."""
        return torch.backends.mps.is_available()

    @staticmethod
    def auto_device_count() -> int:
        """One where there is one."""
        return int(MPSAccelerator.is_available())

    @staticmethod
    def absence() -> str:
        """Whether the machine, macOS or torch is what is missing."""
        if platform.system() != "Darwin":
            return f"MPS needs a Mac with Apple silicon, and this machine runs {platform.system()}."
        if not torch.backends.mps.is_built():
            return f"The installed torch {torch.__version__} was built without MPS: install torch from PyPI for arm64."
        return "MPS needs Apple silicon and macOS 14 or newer, and a Python that was built for arm64."

    def parse_devices(self, devices: Any) -> list[int]:
        """The index 0 in any of the forms of :func:`leyden.interfaces.device_indices`.

        Raises:
            leyden.errors.ConfigurationError: it means nothing, or more than one device.
        """
        hint = "A Mac has one: write devices=1."
        return device_indices(
            devices, self.auto_device_count(), "MPS", absence=f"{self.absence()} Use accelerator='cpu'.", hint=hint
        )  # fmt: skip

    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        """The device ``mps:0``."""
        return [torch.device("mps", index) for index in indices]

    def setup_device(self, device: torch.device) -> None:
        """Nothing has to be made current; a device of another kind is refused.

        Raises:
            leyden.errors.ConfigurationError: it is no MPS device.
        """
        if device.type != "mps":
            raise ConfigurationError.about("device", str(device), "mps", "Choose that device's accelerator.")

    def teardown(self) -> None:
        """Give cached memory back to the system."""
        if self.is_available():
            torch.mps.empty_cache()

    def get_device_stats(self, device: torch.device) -> dict[str, Any]:
        """Bytes: in tensors, taken from the driver, and as many as should be taken at most."""
        return {
            "mps.allocated_bytes": torch.mps.current_allocated_memory(),
            "mps.driver_allocated_bytes": torch.mps.driver_allocated_memory(),
            "mps.recommended_max_bytes": torch.mps.recommended_max_memory(),
        }

    def get_rng_state(self) -> dict[str, Any]:
        """The generator of the device, as ``{"mps": ByteTensor}``."""
        return {"mps": torch.mps.get_rng_state()} if self.is_available() else {}

    def set_rng_state(self, state: dict[str, Any]) -> None:
        """Give the generator its state back, where the state has one and this machine the device."""
        if "mps" in state and self.is_available():
            torch.mps.set_rng_state(state["mps"].cpu())
