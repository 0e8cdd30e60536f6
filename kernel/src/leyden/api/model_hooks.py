"""The hooks that a LightningModule may override."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


class ModelHooks:
    """Hooks without an effect of their own; only those that a module overrides are called."""

    def on_fit_start(self) -> None:
        """Fitting begins."""

    def on_fit_end(self) -> None:
        """Fitting has ended."""

    def on_train_start(self) -> None:
        """Training begins."""

    def on_train_end(self) -> None:
        """Training has ended."""

    def on_validation_start(self) -> None:
        """Validation begins."""

    def on_validation_end(self) -> None:
        """Validation has ended."""

    def on_test_start(self) -> None:
        """Testing begins."""

    def on_test_end(self) -> None:
        """Testing has ended."""

    def on_predict_start(self) -> None:
        """Prediction begins."""

    def on_predict_end(self) -> None:
        """Prediction has ended."""

    def on_train_epoch_start(self) -> None:
        """A training epoch begins."""

    def on_train_epoch_end(self) -> None:
        """A training epoch has ended."""

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """A training batch is on its device; return -1 to end the epoch at once."""
        return None

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """A training batch is done."""

    def on_validation_epoch_start(self) -> None:
        """A validation epoch begins."""

    def on_validation_epoch_end(self) -> None:
        """A validation epoch has ended."""

    def on_validation_batch_start(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """A validation batch is on its device."""

    def on_validation_batch_end(
        self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """A validation batch is done."""

    def on_test_epoch_start(self) -> None:
        """A test epoch begins."""

    def on_test_epoch_end(self) -> None:
        """A test epoch has ended."""

    def on_test_batch_start(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """A test batch is on its device."""

    def on_test_batch_end(self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """A test batch is done."""

    def on_predict_epoch_start(self) -> None:
        """A prediction epoch begins."""

    def on_predict_epoch_end(self) -> None:
        """A prediction epoch has ended."""

    def on_predict_batch_start(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """A prediction batch is on its device."""

    def on_predict_batch_end(self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """A prediction batch is done."""

    def on_before_zero_grad(self, optimizer: Optimizer) -> None:
        """Gradients are about to be released."""

    def on_before_backward(self, loss: Tensor) -> None:
        """The loss is about to be differentiated."""

    def on_after_backward(self) -> None:
        """Gradients are there, not yet unscaled or clipped."""

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Gradients are unscaled and about to be clipped and applied."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint is about to be written and may be added to."""

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint was read, before the module's own state is loaded."""

    def configure_model(self) -> None:
        """Create large submodules here, where the strategy wants parameters to be created; may run several times."""

    def on_validation_model_zero_grad(self) -> None:
        """Release gradients before validation inside fit; the default calls ``zero_grad``."""
        self.zero_grad()  # type: ignore[attr-defined]

    def on_validation_model_eval(self) -> None:
        """Put the module into evaluation mode for validation; the default calls ``eval``."""
        self.eval()  # type: ignore[attr-defined]

    def on_validation_model_train(self) -> None:
        """Leave evaluation mode after validation; overriding it replaces the restoring of every submodule's mode."""
        self.train()  # type: ignore[attr-defined]

    def on_test_model_eval(self) -> None:
        """Put the module into evaluation mode for test; the default calls ``eval``."""
        self.eval()  # type: ignore[attr-defined]

    def on_test_model_train(self) -> None:
        """Leave evaluation mode after test; overriding it replaces the restoring of every submodule's mode."""
        self.train()  # type: ignore[attr-defined]

    def on_predict_model_eval(self) -> None:
        """Put the module into evaluation mode for predict; the default calls ``eval``."""
        self.eval()  # type: ignore[attr-defined]

    def on_predict_model_train(self) -> None:
        """Leave evaluation mode after predict; overriding it replaces the restoring of every submodule's mode."""
        self.train()  # type: ignore[attr-defined]
