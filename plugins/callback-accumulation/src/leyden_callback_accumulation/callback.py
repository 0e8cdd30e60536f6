"""``GradientAccumulationScheduler``: sets from epoch to epoch how many batches make an update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leyden import Callback, LightningModule
from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError

if TYPE_CHECKING:
    from leyden import Trainer

ALLOWED = "a dict {epoch: factor} of ints, epochs of at least 0 and factors of at least 1, not empty"


class GradientAccumulationScheduler(Callback):
    """Sets ``trainer.accumulate_grad_batches`` when training epochs begin; gives it back when the fit ends.

    Args:
        scheduling: the factor from an epoch on, by epoch (counted from 0); 1 before the first of them.

    Attributes:
        scheduling: a copy, with the epoch 0.
        epochs: its epochs, sorted.

    Raises:
        leyden.errors.ConfigurationError: ``scheduling`` is not possible; in ``fit``, the module optimizes manually,
            the Trainer accumulates already, or the strategy accumulates by itself.
    """

    def __init__(self, scheduling: dict[int, int]) -> None:
        self.scheduling = {0: 1, **_checked(scheduling)}
        self.epochs = sorted(self.scheduling)
        self._before: int | None = None

    def going_to_accumulate_grad_batches(self) -> bool:
        """Whether any epoch accumulates."""
        return any(factor > 1 for factor in self.scheduling.values())

    def get_accumulate_grad_batches(self, epoch: int) -> int:
        """The factor of an epoch."""
        return self.scheduling[max(one for one in self.epochs if one <= epoch)]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage != "fit":
            return
        if not pl_module.automatic_optimization:
            raise UserCodeError(
                "GradientAccumulationScheduler works with automatic optimization alone: with "
                "automatic_optimization=False, step the optimizer every n batches in training_step instead."
            )
        if trainer.accumulate_grad_batches != 1:
            raise ConfigurationError.about(
                "accumulate_grad_batches",
                trainer.accumulate_grad_batches,
                "1 beside a GradientAccumulationScheduler",
                "Leave it out, or leave the callback out.",
            )
        if trainer.strategy.handles_gradient_accumulation:
            raise ConfigurationError(
                f"{type(trainer.strategy).__name__} accumulates by itself and cannot change the number of batches "
                "between epochs. Leave GradientAccumulationScheduler out and give accumulate_grad_batches to Trainer."
            )
        self._before = trainer.accumulate_grad_batches
        if self.going_to_accumulate_grad_batches():
            _say_when_hooks_run(pl_module)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._set(trainer)  # a fit that resumes within an epoch starts none

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._set(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._before is not None:
            trainer.accumulate_grad_batches, self._before = self._before, None

    def _set(self, trainer: Trainer) -> None:
        trainer.accumulate_grad_batches = self.get_accumulate_grad_batches(trainer.current_epoch)


def _checked(scheduling: Any) -> dict[int, int]:
    if not isinstance(scheduling, Mapping) or not scheduling:
        raise ArgumentTypeError.about("scheduling", scheduling, ALLOWED)
    for epoch, factor in scheduling.items():
        if not _at_least(epoch, 0) or not _at_least(factor, 1):
            raise ConfigurationError.about("scheduling", scheduling, ALLOWED)
    return dict(scheduling)


def _at_least(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _say_when_hooks_run(module: LightningModule) -> None:
    own = [one for one in ("optimizer_step", "optimizer_zero_grad") if _overrides(module, one)]
    if own:
        warn(
            "accumulation-hooks",
            f"{type(module).__name__} overrides {' and '.join(own)}: while gradients accumulate, they are called once "
            "a window and not for every batch.",
        )


def _overrides(module: LightningModule, name: str) -> bool:
    return getattr(type(module), name) is not getattr(LightningModule, name) or name in vars(module)
