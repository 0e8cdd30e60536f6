"""What older keywords add to a run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from leyden.plugins.adapt import overridden


class PreparePerNode:
    """Lets rank zero alone prepare data."""

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """Before anybody prepares."""
        owner = trainer.datamodule if trainer.datamodule is not None else pl_module
        owner.prepare_data_per_node = False


class StopAtNaN:
    """Ends the run when a loss or a parameter is not finite. Each look waits for the device."""

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Tensor) -> None:
        """Look at the loss.

        Raises:
            ValueError: it is NaN or infinite.
        """
        if not torch.isfinite(loss).all():
            raise ValueError(
                f"terminate_on_nan: the loss of batch {trainer.fit_loop.batch_idx} is {loss.item()}."
            )

    def leyden_update_end(self, trainer: Any, pl_module: Any, batch_idx: int) -> None:
        """Look at the parameters.

        Raises:
            ValueError: one of them is NaN or infinite.
        """
        for name, parameter in pl_module.named_parameters():
            if not torch.isfinite(parameter).all():
                raise ValueError(
                    f"terminate_on_nan: the parameter {name!r} is not finite after batch {batch_idx}."
                )


class GradientNorms:
    """Logs the norm of each parameter's gradient, and of all together, before each optimizer step.

    Args:
        kind: the p of the p-norm.
    """

    def __init__(self, kind: float) -> None:
        self.kind = kind

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Log ``grad_<p>_norm/<parameter>`` and ``grad_<p>_norm_total``; a module's ``log_grad_norm`` decides how."""
        separator = getattr(trainer.logger, "group_separator", "/")
        norms = gradient_norms(pl_module, self.kind, separator)
        if not norms:
            return
        own = overridden(pl_module, "log_grad_norm", None)
        if own is not None:
            own(norms)
        else:
            pl_module.log_dict(norms, on_step=True, on_epoch=True, prog_bar=False, logger=True)


def gradient_norms(module: nn.Module, kind: float, separator: str = "/") -> dict[str, Tensor]:
    """The norms of a module's gradients by name, and that of all of them, ``grad_<p>_norm_total``."""
    norms = {
        f"grad_{kind}_norm{separator}{name}": parameter.grad.norm(kind)
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    if norms:
        norms[f"grad_{kind}_norm_total"] = torch.stack(list(norms.values())).norm(kind)
    return norms


class FlushLogs:
    """Lets the loggers write what they hold.

    Args:
        every: after so many updates.
    """

    def __init__(self, every: int) -> None:
        self.every = every

    def leyden_update_end(self, trainer: Any, pl_module: Any, batch_idx: int) -> None:
        """Save when it is due."""
        if (trainer.run_state.counters.updates + 1) % self.every == 0:
            for one in trainer.loggers:
                one.save()
