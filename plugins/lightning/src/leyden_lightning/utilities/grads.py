"""Norms of gradients."""

from __future__ import annotations

import torch
from torch import nn


def grad_norm(
    module: nn.Module, norm_type: float | int | str, group_separator: str = "/"
) -> dict[str, float]:
    """The norm of each parameter's gradient, and of all of them together.

    Args:
        module: whose parameters.
        norm_type: the p of the norm; ``"inf"`` for the largest element.
        group_separator: stands between the prefix and a parameter's name.

    Returns:
        ``grad_{p}_norm/{parameter}`` for each parameter with a gradient and ``grad_{p}_norm_total``, as 0-d tensors.

    Raises:
        ValueError: the p is not above zero.
    """
    order = float(norm_type)
    if order <= 0:
        raise ValueError(f"`norm_type` must be a positive number or 'inf' (infinity norm). Got {norm_type}")
    norms = {
        f"grad_{order}_norm{group_separator}{name}": parameter.grad.detach().norm(order)
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    if norms:
        norms[f"grad_{order}_norm_total"] = torch.stack(list(norms.values())).norm(order)
    return norms
