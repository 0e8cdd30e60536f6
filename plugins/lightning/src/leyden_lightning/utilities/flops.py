"""Floating-point operations."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def measure_flops(
    model: nn.Module,
    forward_fn: Callable[[], Tensor],
    loss_fn: Callable[[Tensor], Tensor] | None = None,
) -> int:
    """Count the floating-point operations of a forward, and with a loss of a backward pass as well.

    Args:
        model: the model; its gradients are released afterwards.
        forward_fn: runs it and returns its output.
        loss_fn: makes a scalar of the output.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        output = forward_fn()
        if loss_fn is not None:
            loss_fn(output).backward()
    return int(counter.get_total_flops())
