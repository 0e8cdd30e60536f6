"""Gradient clipping as the module asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from leyden.plugins.errors import ConfigurationError

if TYPE_CHECKING:
    from leyden.api.module import LightningModule

ALGORITHMS = ("norm", "value")


def clip(module: LightningModule, optimizer: Optimizer, value: float | None, algorithm: str | None) -> None:
    """Clip an optimizer's gradients; arguments and errors as of ``LightningModule.clip_gradients``."""
    trainer = module.trainer
    value = _agree("gradient_clip_val", value, trainer.gradient_clip_val)
    algorithm = _agree("gradient_clip_algorithm", algorithm, trainer.gradient_clip_algorithm) or "norm"
    if algorithm not in ALGORITHMS:
        raise ConfigurationError.about("gradient_clip_algorithm", algorithm, "'norm' or 'value'")
    if value:
        trainer.strategy.clip_gradients(getattr(optimizer, "optimizer", optimizer), value, algorithm)


def _agree(name: str, given: Any, trainers: Any) -> Any:
    if given is None:
        return trainers
    if trainers is not None and trainers != given:
        raise ConfigurationError(
            f"clip_gradients got {name}={given!r} and the Trainer has {name}={trainers!r}. Give it in one place alone."
        )
    return given
