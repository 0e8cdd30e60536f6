"""Memory."""

from __future__ import annotations

import gc
from typing import Any

import torch
from torch import Tensor


def recursive_detach(in_dict: Any, to_cpu: bool = False) -> Any:
    """Detach every tensor in nested containers.

    Args:
        in_dict: the containers.
        to_cpu: move the tensors to the CPU as well.
    """
    from leyden.api.transfer import map_nested

    def detached(value: Tensor) -> Tensor:
        value = value.detach()
        return value.cpu() if to_cpu else value

    return map_nested(in_dict, lambda value: isinstance(value, Tensor), detached)


def is_oom_error(exception: BaseException) -> bool:
    """Whether an exception says that memory ran out."""
    return is_cuda_out_of_memory(exception) or is_cudnn_snafu(exception) or is_out_of_cpu_memory(exception)


def is_cuda_out_of_memory(exception: BaseException) -> bool:
    """Whether an exception says that CUDA memory ran out."""
    text = str(exception.args[0]) if len(exception.args) == 1 else ""
    return isinstance(exception, RuntimeError) and "CUDA" in text and "out of memory" in text


def is_cudnn_snafu(exception: BaseException) -> bool:
    """Whether cuDNN failed in the way it does when memory is short."""
    text = str(exception.args[0]) if len(exception.args) == 1 else ""
    return isinstance(exception, RuntimeError) and "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED." in text


def is_out_of_cpu_memory(exception: BaseException) -> bool:
    """Whether torch's CPU allocator failed."""
    text = str(exception.args[0]) if len(exception.args) == 1 else ""
    return isinstance(exception, RuntimeError) and "DefaultCPUAllocator: can't allocate memory" in text


def garbage_collection_cuda() -> None:
    """Collect garbage and empty CUDA's cache."""
    gc.collect()
    if torch.cuda.is_available():
        try:
            torch.cuda.empty_cache()
        except RuntimeError as error:
            if not is_oom_error(error):
                raise
