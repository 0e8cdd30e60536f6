"""The CPU as an accelerator of Leyden."""

from __future__ import annotations

from leyden_accelerator_cpu.accelerator import CPUAccelerator

__all__ = ["CPUAccelerator"]
