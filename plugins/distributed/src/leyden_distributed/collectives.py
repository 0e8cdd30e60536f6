"""Collectives on tensors and objects, through torch.distributed."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from leyden.errors import ConfigurationError

OPERATIONS = {
    "mean": dist.ReduceOp.SUM,
    "avg": dist.ReduceOp.SUM,
    "sum": dist.ReduceOp.SUM,
    "min": dist.ReduceOp.MIN,
    "max": dist.ReduceOp.MAX,
    "product": dist.ReduceOp.PRODUCT,
}


def reduce(tensor: Tensor, group: Any, operation: Any, device: torch.device) -> Tensor:
    """Reduce a tensor over the processes of a group, in place where it is on the device.

    Args:
        tensor: the tensor.
        group: a process group; all processes when ``None``.
        operation: ``"mean"``, ``"avg"``, ``"sum"``, ``"min"``, ``"max"``, ``"product"``, a ``ReduceOp``, or ``None``
            for a sum. Integer tensors are averaged as floats.
        device: where the collective happens.

    Raises:
        leyden.errors.ConfigurationError: there is no such operation.
    """
    name = operation.lower() if isinstance(operation, str) else operation
    if name is None:
        name = "sum"
    if isinstance(name, str) and name not in OPERATIONS:
        raise ConfigurationError.about("reduce_op", operation, ", ".join(map(repr, OPERATIONS)))
    divides = name in ("mean", "avg") or name == dist.ReduceOp.AVG
    home = tensor.device
    moved = tensor.to(device)
    if divides and not moved.is_floating_point() and not moved.is_complex():
        moved = moved.float()
    op = dist.ReduceOp.SUM if divides else OPERATIONS[name] if isinstance(name, str) else name
    dist.all_reduce(moved, op=op, group=group)
    if divides:
        moved.div_(dist.get_world_size(group))
    return moved if moved.device == home else moved.to(home)


class _GatherWithGradients(torch.autograd.Function):
    """Gathers tensors of equal shape; backward sums the gradients that all processes have for this one's."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any) -> Tensor:
        ctx.group = group
        return all_gather(tensor, group, False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous()
        dist.all_reduce(total, op=dist.ReduceOp.SUM, group=ctx.group)
        return total[dist.get_rank(ctx.group)], None


def all_gather(tensor: Tensor, group: Any, sync_grads: bool) -> Tensor:
    """Stack a tensor of every process along a new first dimension; shapes must agree."""
    if sync_grads and tensor.requires_grad:
        gathered: Tensor = _GatherWithGradients.apply(tensor, group)  # type: ignore[no-untyped-call]
        return gathered
    tensor = tensor.detach().contiguous()
    found = [torch.empty_like(tensor) for _ in range(dist.get_world_size(group))]
    dist.all_gather(found, tensor, group=group)
    return torch.stack(found)


def broadcast(obj: Any, source: int, device: torch.device) -> Any:
    """Give every process the object of one; it is pickled."""
    held = [obj]
    dist.broadcast_object_list(held, source, device=None if device.type == "cpu" else device)
    return held[0]
