"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.accelerator import Accelerator as Accelerator
from leyden_accelerator_cpu import CPUAccelerator as CPUAccelerator
from leyden_accelerator_cuda import CUDAAccelerator as CUDAAccelerator
from leyden_accelerator_mps import MPSAccelerator as MPSAccelerator
from leyden_accelerator_xla import XLAAccelerator as XLAAccelerator

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
