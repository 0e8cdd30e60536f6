"""What loss scaling has to know about an optimizer."""

from __future__ import annotations

import inspect

from torch.optim import LBFGS, Optimizer


def needs_closure(kind: type[Optimizer]) -> bool:
    """Whether a class of optimizers computes gradients itself: LBFGS, or ``step`` requires its closure."""
    closure = inspect.signature(kind.step).parameters.get("closure")
    return issubclass(kind, LBFGS) or (closure is not None and closure.default is closure.empty)


def unscales_by_itself(optimizer: Optimizer) -> bool:
    """Whether the optimizer divides by the scale inside its step: torch marks its fused ones so."""
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))


def has_gradients(optimizer: Optimizer) -> bool:
    """Whether any parameter of the optimizer has a gradient."""
    return any(one.grad is not None for group in optimizer.param_groups for one in group["params"])
