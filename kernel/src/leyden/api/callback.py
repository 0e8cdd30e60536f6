"""Callbacks: code that listens to a run without belonging to the module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from leyden.api.module import LightningModule
    from leyden.api.trainer import Trainer


class Callback:
    """Override the hooks that concern you; only those are called.

    Attributes:
        leyden_order: where the callback stands among the others: those with -1 are called first, those with 1 last.
        leyden_limits_fit: it ends the run by itself, so that a run without ``max_epochs`` has no limit of epochs.
        leyden_monitors: it judges an epoch by its metrics, so its ``on_train_epoch_end`` follows the module's own.
    """

    leyden_order: ClassVar[int] = 0
    leyden_limits_fit: bool = False
    leyden_monitors: ClassVar[bool] = False

    @property
    def state_key(self) -> str:
        """The name under which a checkpoint keeps the state; unique among the callbacks of a run."""
        return type(self).__qualname__

    def _generate_state_key(self, **kwargs: Any) -> str:
        """A state key that tells instances apart by some of their arguments."""
        return f"{type(self).__qualname__}{kwargs!r}"

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold for this callback: plain data and tensors."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state back."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """A run begins; ``stage`` is ``fit``, ``validate``, ``test`` or ``predict``."""

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """A run has ended, also with an exception."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fitting begins; optimizers exist."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fitting has ended."""

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The validation batches before training begin."""

    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The validation batches before training are over."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The training loop begins."""

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The training loop has ended."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A training epoch begins."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A training epoch has ended."""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """A training batch is on its device."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """A training batch is done; ``outputs`` holds ``loss`` and what ``training_step`` returned beside it."""

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The validation loop begins."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The validation loop has ended."""

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A validation epoch begins."""

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A validation epoch has ended."""

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A validation batch is on its device."""

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A validation batch is done."""

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The test loop begins."""

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The test loop has ended."""

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A test epoch begins."""

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A test epoch has ended."""

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A test batch is on its device."""

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A test batch is done."""

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The prediction loop begins."""

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The prediction loop has ended."""

    def on_predict_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A prediction epoch begins."""

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A prediction epoch has ended."""

    def on_predict_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A prediction batch is on its device."""

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A prediction batch is done."""

    def on_before_zero_grad(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Gradients are about to be released."""

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """The loss is about to be differentiated."""

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Gradients are there, not yet unscaled or clipped."""

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Gradients are unscaled and about to be clipped and applied."""

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """The run ends with an exception."""

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """A checkpoint is about to be written and may be added to."""

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """A checkpoint was read, before states are given back."""


class Checkpoint(Callback):
    """Marks callbacks that save checkpoints. They are called after all others, so that what they save is current."""

    leyden_order: ClassVar[int] = 1
    leyden_monitors: ClassVar[bool] = True


def ordered(callbacks: Sequence[Any]) -> list[Any]:
    """Callbacks by their ``leyden_order``, otherwise as given."""
    return sorted(callbacks, key=lambda one: getattr(one, "leyden_order", 0))
