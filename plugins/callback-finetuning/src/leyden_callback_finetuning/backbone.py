"""``BackboneFinetuning``: trains the rest first, then the backbone with a learning rate that grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden_callback_finetuning.base import BaseFinetuning

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


def multiplicative(epoch: int) -> float:
    """Twice the learning rate in each epoch."""
    return 2.0


class BackboneFinetuning(BaseFinetuning):
    """Freezes ``pl_module.backbone``, and trains it from an epoch on with a learning rate of its own.

    Args:
        unfreeze_backbone_at_epoch: the epoch (from 0) with which the backbone begins to train.
        lambda_func: from the number of the epoch after the running one to the factor of the backbone's learning rate.
        backbone_initial_ratio_lr: the backbone's first learning rate as a fraction of that of the first group.
        backbone_initial_lr: the backbone's first learning rate itself.
        should_align: let the learning rate of the first group bound that of the backbone.
        initial_denom_lr: handed to :meth:`unfreeze_and_add_param_group`, which gets a learning rate and so has no use
            for it; an overridden one may have.
        train_bn: train the backbone's batch normalization, too.
        verbose: say the learning rates of each epoch.
        rounding: to so many digits.

    Attributes:
        previous_backbone_lr: the backbone's learning rate; ``None`` while it is frozen.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible; in ``fit``, the module has no ``backbone``.
    """

    def __init__(
        self,
        unfreeze_backbone_at_epoch: int = 10,
        lambda_func: Callable[[int], float] = multiplicative,
        backbone_initial_ratio_lr: float = 10e-2,
        backbone_initial_lr: float | None = None,
        should_align: bool = True,
        initial_denom_lr: float = 10.0,
        train_bn: bool = True,
        verbose: bool = False,
        rounding: int = 12,
    ) -> None:
        super().__init__()
        self.unfreeze_backbone_at_epoch = _count("unfreeze_backbone_at_epoch", unfreeze_backbone_at_epoch)
        if not callable(lambda_func):
            raise ArgumentTypeError.about("lambda_func", lambda_func, "a function of the epoch")
        self.lambda_func = lambda_func
        self.backbone_initial_ratio_lr = _number("backbone_initial_ratio_lr", backbone_initial_ratio_lr)
        self.backbone_initial_lr = (
            None if backbone_initial_lr is None else _number("backbone_initial_lr", backbone_initial_lr)
        )
        self.should_align = _flag("should_align", should_align)
        self.initial_denom_lr = _number("initial_denom_lr", initial_denom_lr)
        self.train_bn = _flag("train_bn", train_bn)
        self.verbose = _flag("verbose", verbose)
        self.rounding = _count("rounding", rounding)
        self.previous_backbone_lr: float | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            if not isinstance(getattr(pl_module, "backbone", None), nn.Module):
                raise UserCodeError(
                    f"{type(pl_module).__name__} has no module in its attribute 'backbone', which BackboneFinetuning "
                    "trains. Assign it in __init__, or subclass BaseFinetuning."
                )
            self.previous_backbone_lr = None
        super().setup(trainer, pl_module, stage)

    def freeze_before_training(self, pl_module: LightningModule) -> None:
        self.freeze(_backbone(pl_module))

    def finetune_function(self, pl_module: LightningModule, epoch: int, optimizer: Optimizer) -> None:
        if epoch < self.unfreeze_backbone_at_epoch:
            return
        current = optimizer.param_groups[0]["lr"]
        # also when a fit goes on after that epoch without the callback's state
        if epoch == self.unfreeze_backbone_at_epoch or self.previous_backbone_lr is None:
            rate = self.backbone_initial_lr
            rate = current * self.backbone_initial_ratio_lr if rate is None else rate
            self.unfreeze_and_add_param_group(
                _backbone(pl_module),
                optimizer,
                rate,
                train_bn=self.train_bn,
                initial_denom_lr=self.initial_denom_lr,
            )
        else:
            rate = self.lambda_func(epoch + 1) * self.previous_backbone_lr
            rate = min(rate, current) if self.should_align else rate
            optimizer.param_groups[-1]["lr"] = rate
        self.previous_backbone_lr = rate
        if self.verbose:
            rank_zero_info(
                f"Epoch {epoch}: learning rate {round(float(current), self.rounding)}, of the backbone "
                f"{round(float(rate), self.rounding)}"
            )

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "previous_backbone_lr": self.previous_backbone_lr}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.previous_backbone_lr = state_dict["previous_backbone_lr"]
        super().load_state_dict(state_dict)


def _backbone(pl_module: LightningModule) -> nn.Module:
    backbone: nn.Module = pl_module.backbone  # type: ignore[assignment]
    return backbone


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError.about(name, value, "an int of at least 0")
    if value < 0:
        raise ConfigurationError.about(name, value, "an int of at least 0")
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentTypeError.about(name, value, "a number above 0")
    if value <= 0:
        raise ConfigurationError.about(name, value, "a number above 0")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArgumentTypeError.about(name, value, "True or False")
    return value
