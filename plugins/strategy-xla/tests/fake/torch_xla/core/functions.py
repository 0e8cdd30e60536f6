"""Of ``torch_xla.core.functions``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_xla import _processes
from torch_xla.core import xla_model


class AllGather(torch.autograd.Function):
    """Backward sums the gradients that all processes have for this one's."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, dim: int) -> Tensor:
        ctx.dim, ctx.size = dim, value.shape[dim]
        return xla_model.all_gather(value, dim)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        total = xla_model.all_reduce("sum", gradient.contiguous())
        return total.narrow(ctx.dim, _processes.rank * ctx.size, ctx.size), None


def all_gather(value: Tensor, dim: int = 0) -> Tensor:
    gathered: Tensor = AllGather.apply(value, dim)  # type: ignore[no-untyped-call]
    return gathered
