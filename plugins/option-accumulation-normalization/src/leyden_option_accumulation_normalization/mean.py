"""Turns the sum of a window's gradients into the mean that was asked for, before it is clipped and applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from leyden.errors import ConfigurationError, UserCodeError
from leyden.plugins import hookimpl
from leyden.plugins.errors import shown


class BatchMean:
    """Divides by the batches that a window had. Only an epoch's last window can have fewer than were asked for."""

    def __init__(self) -> None:
        self.batches = 0

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """Refuse manual optimization, which has no windows.

        Raises:
            leyden.errors.ConfigurationError: the module optimizes manually.
        """
        if trainer.state.fn == "fit" and not pl_module.automatic_optimization:
            raise ConfigurationError.about(
                "accumulate_normalization",
                "batches" if type(self) is BatchMean else "weight",
                "'window' with automatic_optimization=False",
                "Divide the loss in training_step instead.",
            )

    @hookimpl(tryfirst=True)
    def on_before_zero_grad(self, trainer: Any, pl_module: Any, optimizer: Optimizer) -> None:
        """A window opens."""
        self.batches = 0

    @hookimpl(tryfirst=True)
    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Tensor) -> None:
        """Another batch is added."""
        self.batches += 1

    @hookimpl(tryfirst=True)
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Optimizer) -> None:
        """The window closes; everybody else sees the mean."""
        window = trainer.accumulate_grad_batches
        if self.batches and self.batches != window:
            _scale(optimizer, window / self.batches)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Keep what an open window has."""
        checkpoint["accumulate_normalization"] = self._state()

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Take it back."""
        if "accumulate_normalization" in checkpoint:
            self._restore(checkpoint["accumulate_normalization"])

    def _state(self) -> dict[str, Any]:
        return {"batches": self.batches}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.batches = int(state["batches"])


class WeightedMean(BatchMean):
    """Weighs each batch's gradient by what ``training_step`` returned, and divides by the weights of all processes."""

    def __init__(self) -> None:
        super().__init__()
        self.total: float | Tensor = 0.0

    @hookimpl(tryfirst=True)
    def on_before_zero_grad(self, trainer: Any, pl_module: Any, optimizer: Optimizer) -> None:
        """A window opens."""
        self.batches, self.total = 0, 0.0

    @hookimpl(tryfirst=True)
    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Tensor) -> None:
        """Another batch is added: its gradient begins with its weight instead of 1.

        Raises:
            leyden.errors.UserCodeError: ``training_step`` returned no weight, or one that cannot be.
        """
        weight = _weight(trainer.running.step.result)
        self.batches += 1
        self.total = self.total + (weight.detach() if isinstance(weight, Tensor) else weight)
        loss.register_hook(lambda gradient: gradient * weight)

    @hookimpl(tryfirst=True)
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Optimizer) -> None:
        """The window closes; everybody else sees the mean."""
        if not self.batches:
            return
        total, strategy = self.total, trainer.strategy
        if trainer.world_size > 1:
            # engines average gradients over processes, so the mean weight of a process is what is needed
            total = strategy.reduce(
                torch.as_tensor(total, dtype=torch.float64, device=strategy.root_device), reduce_op="mean"
            )
        _scale(optimizer, trainer.accumulate_grad_batches / total)

    def _state(self) -> dict[str, Any]:
        return {"batches": self.batches, "total": float(self.total)}

    def _restore(self, state: Mapping[str, Any]) -> None:
        super()._restore(state)
        self.total = float(state["total"])


def _weight(result: Any) -> float | Tensor:
    weight = result.get("weight") if isinstance(result, Mapping) else None
    if isinstance(weight, Tensor) and weight.numel() == 1 and not weight.requires_grad:
        return weight
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not weight > 0:
        what = "no 'weight'" if weight is None else f"weight={shown(weight)}"
        raise UserCodeError(
            f"training_step returned {what}; accumulate_normalization='weight' needs a number above 0, or a "
            'one-element tensor without a gradient. Return {"loss": the mean over the batch, "weight": its tokens}.'
        )
    return weight


def _scale(optimizer: Optimizer, factor: float | Tensor) -> None:
    gradients = [
        one.grad for group in optimizer.param_groups for one in group["params"] if one.grad is not None
    ]
    if gradients:
        torch._foreach_mul_(gradients, factor)
