"""Of ``torch_xla.core.xla_model``."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor
from torch.distributed import ReduceOp

from torch_xla import _processes

OPERATIONS = {"sum": ReduceOp.SUM, "min": ReduceOp.MIN, "max": ReduceOp.MAX, "mul": ReduceOp.PRODUCT}
_seed = 0


def all_reduce(
    reduce_type: str, inputs: Any, scale: float = 1.0, groups: Any = None, pin_layout: bool = True
) -> Any:
    """A tensor gives a new one; tensors of a list are reduced in place."""
    ones = [inputs.clone()] if isinstance(inputs, Tensor) else list(inputs)
    if _processes.size > 1:
        for one in ones:
            _processes.group().allreduce([one.detach()], OPERATIONS[reduce_type]).wait()
            if scale != 1.0:
                one.detach().mul_(scale)
    return ones[0] if isinstance(inputs, Tensor) else inputs


def all_gather(
    value: Tensor, dim: int = 0, groups: Any = None, output: Any = None, pin_layout: bool = True
) -> Tensor:
    if _processes.size == 1:
        return value
    value = value.detach().contiguous()
    found = [[torch.empty_like(value) for _ in range(_processes.size)]]
    _processes.group().allgather(found, [value]).wait()
    return torch.cat(found[0], dim)


def reduce_gradients(optimizer: torch.optim.Optimizer, groups: Any = None, pin_layout: bool = True) -> None:
    every = itertools.chain.from_iterable(group["params"] for group in optimizer.param_groups)
    gradients = [one.grad for one in every if one.grad is not None]
    all_reduce("sum", gradients, scale=1.0 / _processes.size)


def broadcast_master_param(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for one in itertools.chain(model.parameters(), model.buffers()):
            one.mul_(int(_processes.rank == 0))
            all_reduce("sum", [one])


def get_memory_info(device: Any = None) -> dict[str, int]:
    return {"bytes_used": 1, "bytes_limit": 2, "peak_bytes_used": 2}


def get_rng_state(device: Any = None) -> int:
    return _seed


def set_rng_state(seed: int, device: Any = None) -> None:
    global _seed
    _seed = seed
