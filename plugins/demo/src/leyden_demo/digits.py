"""A convolutional classifier for handwritten digits, with its data: the first example of the documentation."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

from leyden import LightningDataModule, LightningModule


class Digits(LightningDataModule):
    """1797 digits of 8 by 8 pixels, which scikit-learn ships: 1197 to train, 300 to validate, 300 to test."""

    def __init__(self, batch_size: int = 64) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        """Load the images, shape (1797, 1, 8, 8) with values from 0 to 1, and split them the same way every time."""
        digits = load_digits()
        images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
        data = TensorDataset(images, torch.tensor(digits.target))
        same = torch.Generator().manual_seed(0)
        self.train, self.val, self.test = random_split(data, [1197, 300, 300], generator=same)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Batches of the training images, in another order every epoch."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Batches of the validation images."""
        return DataLoader(self.val, batch_size=self.batch_size)

    def test_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Batches of the test images."""
        return DataLoader(self.test, batch_size=self.batch_size)

    predict_dataloader = test_dataloader


class Classifier(LightningModule):
    """Two convolutions and a linear layer."""

    def __init__(self, channels: int = 32, lr: float = 3e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.example_input_array = torch.zeros(1, 1, 8, 8)
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.25), nn.Linear(8 * channels, 10),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Score the ten digits, shape (batch, 10), for images of shape (batch, 1, 8, 8)."""
        return self.layers(images)  # type: ignore[no-any-return]

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Compute the loss of a batch."""
        images, targets = batch
        loss = cross_entropy(self(images), targets)
        self.log("train_loss", loss, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Judge a batch of the validation images."""
        self.judge("val", *batch)

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Judge a batch of the test images."""
        self.judge("test", *batch)

    def judge(self, stage: str, images: Tensor, targets: Tensor) -> None:
        """Log loss and accuracy; both are averaged over the epoch."""
        scores = self(images)
        self.log(f"{stage}_loss", cross_entropy(scores, targets), prog_bar=True)
        self.log(f"{stage}_acc", (scores.argmax(dim=1) == targets).float().mean(), prog_bar=True)

    def predict_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Name the most likely digit of each image."""
        return self(batch[0]).argmax(dim=1)  # type: ignore[no-any-return]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Train all parameters with Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
