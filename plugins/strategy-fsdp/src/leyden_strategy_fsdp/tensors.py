"""Whole tensors from shards, and shards from whole tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset
from torch.nn.utils import get_total_norm


def whole(tensor: Any, *, keep: bool = True) -> Any:
    """A tensor's whole on the CPU; a collective where it is sharded.

    Args:
        tensor: a tensor; anything else is given back.
        keep: whether this process wants it; the others take part without keeping it.
    """
    if isinstance(tensor, DTensor):
        sharded: Any = tensor.detach()
        found = sharded.full_tensor()
        return found.cpu() if keep else None
    return tensor.detach().cpu() if isinstance(tensor, Tensor) and keep else tensor


def from_parts(tensor: DTensor, *, keep: bool) -> Tensor | None:
    """A tensor's whole on the CPU, as :func:`whole` gives it, through the process group that there is now.

    That of the tensor's own mesh is not used: it may be gone.
    """
    _, offset = compute_local_shape_and_global_offset(tensor.shape, tensor.device_mesh, tensor.placements)
    parts: list[Any] | None = [None] * dist.get_world_size() if keep else None
    dist.gather_object((offset, tensor.to_local().detach().cpu()), parts, dst=0)
    if parts is None:
        return None
    full = torch.empty(tensor.shape, dtype=tensor.dtype)
    for start, part in parts:
        index = tuple(slice(one, one + size) for one, size in zip(start, part.shape, strict=True))
        full[index] = part
    return full


def nothing(tensor: DTensor) -> None:
    """What is left of a tensor whose other shards cannot be had."""


def part_of(full: Tensor, like: DTensor) -> DTensor:
    """This process's part of a whole tensor, sharded as another one; no collective."""
    mesh, placements = like.device_mesh, like.placements
    shape, offset = compute_local_shape_and_global_offset(full.shape, mesh, placements)
    index = tuple(slice(start, start + size) for start, size in zip(offset, shape, strict=True))
    local = full[index].to(like.to_local().device, like.dtype, copy=True).contiguous()
    return DTensor.from_local(
        local,
        mesh,
        placements,
        run_check=False,
        shape=full.shape,
        stride=torch.empty_like(like, device="meta").stride(),
    )


def local(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor, in the same memory."""
    held: Tensor = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return held


def clip_norm(parameters: Iterable[Tensor], maximum: float) -> Tensor:
    """Scale gradients together so that the 2-norm of all, over all shards, is at most ``maximum``.

    Gradients may be plain, and sharded over different meshes. Returns the norm before.
    """
    gradients = [one.grad for one in parameters if one.grad is not None]
    if not gradients:
        return torch.tensor(0.0)
    groups: dict[Any, list[Tensor]] = {}
    for one in gradients:
        groups.setdefault((one.device_mesh, one.placements) if isinstance(one, DTensor) else None, []).append(
            one
        )
    norms = [get_total_norm(ones) for ones in groups.values()]
    norms = [one.full_tensor() if isinstance(one, DTensor) else one for one in norms]
    total: Tensor = torch.stack([one.to(norms[0].device) for one in norms]).norm()
    factor = (maximum / (total + 1e-6)).clamp(max=1.0)
    for one in gradients:
        held = local(one)
        held.mul_(factor.to(held.device))
    return total


def clip_value(parameters: Iterable[Tensor], maximum: float) -> None:
    """Clamp each element of the gradients to [-maximum, maximum]."""
    for one in parameters:
        if one.grad is not None:
            local(one.grad).clamp_(-maximum, maximum)
