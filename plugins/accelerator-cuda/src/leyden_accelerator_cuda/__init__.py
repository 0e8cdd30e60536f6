"""NVIDIA and AMD GPUs as an accelerator of Leyden, through ``torch.cuda``."""

from __future__ import annotations

from leyden_accelerator_cuda.accelerator import CUDAAccelerator

__all__ = ["CUDAAccelerator"]
