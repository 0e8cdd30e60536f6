"""Precision: in which number formats a run computes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Closure = Callable[[], Any]


class Precision:
    """Full precision, and the base of the others: override only what differs.

    The step calls a method only when a subclass overrides it, so a precision pays for what it does.

    Args:
        precision: the name that the user gave, e.g. ``"16-mixed"``.
    """

    def __init__(self, precision: str = "32-true") -> None:
        self.precision = precision

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Precision:
        """Build the precision that a name stands for, for a device."""
        return cls(name)

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Convert the parameters and buffers before the module is placed on its device."""
        return module

    def convert_input(self, data: Any) -> Any:
        """Convert the floating-point tensors of a batch."""
        return data

    def convert_output(self, data: Any) -> Any:
        """Convert what a step returned."""
        return data

    def forward_context(self) -> AbstractContextManager[Any]:
        """What holds while a step runs, e.g. autocast."""
        return nullcontext()

    def init_context(self) -> AbstractContextManager[Any]:
        """What holds while parameters are created, e.g. another default dtype."""
        return nullcontext()

    def scale(self, loss: Tensor) -> Tensor:
        """Scale the loss before it is differentiated."""
        return loss

    def unscale(self, optimizer: Optimizer) -> None:
        """Unscale the gradients in place before hooks see them and clipping changes them."""

    def step(self, optimizer: Optimizer) -> Any:
        """Apply the gradients, or leave them out when they overflowed; returns what ``optimizer.step`` returns."""
        return optimizer.step()

    def step_with_closure(self, optimizer: Optimizer, closure: Closure, **kwargs: Any) -> Any:
        """Let the optimizer call the closure, as often as it likes.

        Args:
            optimizer: the torch optimizer.
            closure: computes gradients, unscales and clips them, and returns the loss.
            **kwargs: for the optimizer's ``step``; given only where the user's program gives some.
        """
        return optimizer.step(closure=closure, **kwargs)

    def clip_grad_value(self, optimizer: Optimizer, clip_value: float) -> None:
        """Clamp each gradient element to [-clip_value, clip_value]."""
        torch.nn.utils.clip_grad_value_(gradients_of(optimizer), clip_value)

    def clip_grad_norm(self, optimizer: Optimizer, clip_norm: float) -> Tensor:
        """Scale the gradients together so that their 2-norm is at most ``clip_norm``; returns the norm before."""
        return torch.nn.utils.clip_grad_norm_(gradients_of(optimizer), clip_norm)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold, e.g. the loss scale; stored under the class's name."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state back."""

    def teardown(self) -> None:
        """Undo global settings."""


def gradients_of(optimizer: Optimizer) -> list[nn.Parameter]:
    """The parameters of an optimizer, in the order of its groups."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
