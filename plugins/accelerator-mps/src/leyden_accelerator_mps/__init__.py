"""The GPU of Apple silicon as an accelerator of Leyden."""

from __future__ import annotations

from leyden_accelerator_mps.accelerator import MPSAccelerator

__all__ = ["MPSAccelerator"]
