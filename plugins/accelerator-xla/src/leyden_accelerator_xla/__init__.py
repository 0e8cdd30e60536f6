"""TPUs as an accelerator of Leyden, through torch_xla."""

from __future__ import annotations

from leyden_accelerator_xla.accelerator import XLAAccelerator

__all__ = ["XLAAccelerator"]
