"""Running out of memory."""

from __future__ import annotations

import gc

import torch

_TEXTS = (
    ("out of memory",),
    ("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED",),
    ("DefaultCPUAllocator", "allocate memory"),
    ("DefaultCPUAllocator", "not enough memory"),
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory of a device or of the host was not enough."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(all(part in text for part in parts) for parts in _TEXTS)


def release_memory() -> None:
    """Give freed memory back to the devices."""
    gc.collect()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
