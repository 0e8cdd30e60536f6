"""The hooks that a LightningModule and a LightningDataModule share."""

from __future__ import annotations

from typing import Any

import torch

from leyden.api.errors_of_users import not_implemented


class DataHooks:
    """Data: preparation, loaders, and the way of a batch to its device.

    Attributes:
        prepare_data_per_node: whether ``prepare_data`` runs once on every machine or only on the first.
        allow_zero_length_dataloader_with_multiple_devices: whether a process may be left without data.
    """

    prepare_data_per_node: bool = True
    allow_zero_length_dataloader_with_multiple_devices: bool = False

    def prepare_data(self) -> None:
        """Download or convert data; runs in one process, so nothing may be kept on ``self``."""

    def setup(self, stage: str) -> None:
        """Make what the stage (``fit``, ``validate``, ``test``, ``predict``) needs; runs in every process."""

    def teardown(self, stage: str) -> None:
        """Release what ``setup`` made."""

    def train_dataloader(self) -> Any:
        """Return the training data: an iterable of batches, or a collection of such."""
        raise not_implemented(self, "train_dataloader", "pass train_dataloaders to Trainer.fit")

    def val_dataloader(self) -> Any:
        """Return the validation data: an iterable of batches, or a sequence of such."""
        raise not_implemented(self, "val_dataloader", "pass val_dataloaders to Trainer.fit")

    def test_dataloader(self) -> Any:
        """Return the test data."""
        raise not_implemented(self, "test_dataloader", "pass dataloaders to Trainer.test")

    def predict_dataloader(self) -> Any:
        """Return the data to predict."""
        raise not_implemented(self, "predict_dataloader", "pass dataloaders to Trainer.predict")

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Change a batch before it is moved to its device."""
        return batch

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a batch to its device: tensors, and whatever has ``to(device)``, in any nesting of containers."""
        from leyden.api.transfer import move_to_device

        return move_to_device(batch, device)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Change a batch on its device."""
        return batch
