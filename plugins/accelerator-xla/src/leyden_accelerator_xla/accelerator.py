"""XLA devices: TPUs."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from leyden.errors import ConfigurationError
from leyden.interfaces import Accelerator, device_indices
from leyden_accelerator_xla.engine import device_count, engine, problem


class XLAAccelerator(Accelerator):
    """TPUs, each the device ``xla`` of a process of its own."""

    name: ClassVar[str] = "tpu"
    priority: ClassVar[int] = 40

    @staticmethod
    def is_available() -> bool:
        """Whether torch_xla works here and this machine has a TPU."""
        return device_count() > 0

    @staticmethod
    def auto_device_count() -> int:
        """All of this machine."""
        return device_count()

    @staticmethod
    def absence() -> str:
        """Whether torch_xla or the TPU is what is missing."""
        return (
            problem()
            or "torch_xla finds no TPU on this machine's PCI bus; PJRT_DEVICE=CPU tries XLA on the CPU."
        )

    @staticmethod
    def auto_strategy(processes: int) -> str | None:
        """``"xla"``, or ``"single_xla"`` for one device."""
        return "single_xla" if processes == 1 else "xla"

    def parse_devices(self, devices: Any) -> list[int]:
        """One device or all, in any of the forms of :func:`leyden.interfaces.device_indices`.

        Raises:
            leyden.errors.ConfigurationError: it means nothing, the machine has fewer, or it is neither one nor all.
        """
        count = device_count()
        found = device_indices(devices, count, "XLA", absence=f"{self.absence()} Or use accelerator='cpu'.")
        if len(found) not in (1, count):
            remedy = "The runtime starts a process for each of them. Write devices=1, one index, or devices='auto'."
            raise ConfigurationError.about(
                "devices", devices, f"one device or all {count} of this machine", remedy
            )
        return found

    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        """The devices ``xla:i``, by which strategies know how many there are; asking the runtime would start it."""
        return [torch.device("xla", index) for index in indices]

    def get_device_stats(self, device: torch.device) -> dict[str, Any]:
        """Bytes used, and bytes there are, as ``torch_xla.core.xla_model.get_memory_info`` says."""
        info = engine("torch_xla.core.xla_model").get_memory_info(device)
        return {"xla.bytes_used": info["bytes_used"], "xla.bytes_limit": info["bytes_limit"]}

    def get_rng_state(self) -> dict[str, Any]:
        """The seed of this process's device, as ``{"xla": int}``."""
        return {"xla": engine("torch_xla.core.xla_model").get_rng_state()} if self.is_available() else {}

    def set_rng_state(self, state: dict[str, Any]) -> None:
        """Give the device its seed back, where the state has one and this machine the device."""
        if "xla" in state and self.is_available():
            engine("torch_xla.core.xla_model").set_rng_state(state["xla"])
