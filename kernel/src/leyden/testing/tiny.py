"""A module and data so small that a run takes milliseconds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from leyden.api.datamodule import LightningDataModule
from leyden.api.module import LightningModule

WIDTH = 4
BATCHES = 2
BATCH_SIZE = 4


class TinyModule(LightningModule):
    """A linear layer with fixed weights, trained by SGD; logs ``train_loss``, ``val_loss`` and ``test_loss``.

    Args:
        learning_rate: of SGD.
        width: inputs of the layer.
        fail_in: the method in which to raise, e.g. ``"training_step"``.
        error: what to raise there.
    """

    def __init__(
        self,
        learning_rate: float = 0.1,
        width: int = WIDTH,
        fail_in: str = "",
        error: type[BaseException] = RuntimeError,
    ) -> None:
        super().__init__()
        self.save_hyperparameters("learning_rate", "width")
        self.learning_rate, self.fail_in, self.error = learning_rate, fail_in, error
        self.layer = torch.nn.Linear(width, 1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.linspace(-1, 1, width))
            self.layer.bias.zero_()

    def _may_fail(self, method: str) -> None:
        if self.fail_in == method:
            raise self.error(f"raised in {method} of {type(self).__name__}")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width) to (N, 1)."""
        y: Tensor = self.layer(x)
        return y

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The mean squared error of a batch."""
        x, y = batch
        loss: Tensor = (self(x) - y).square().mean()
        return loss

    def setup(self, stage: str) -> None:
        """May fail."""
        self._may_fail("setup")

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Compute and log the loss; may fail in the second batch, or the last one of a share."""
        if batch_idx == BATCHES - 1 or (self._trainer is not None and self.trainer.is_last_batch):
            self._may_fail("training_step")
        loss = self.loss(batch)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the loss; may fail."""
        self._may_fail("validation_step")
        self.log("val_loss", self.loss(batch), prog_bar=True)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the loss; may fail."""
        self._may_fail("test_step")
        self.log("test_loss", self.loss(batch))

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The outputs; may fail."""
        self._may_fail("predict_step")
        y: Tensor = self(batch[0])
        return y

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """SGD."""
        return torch.optim.SGD(self.parameters(), lr=self.learning_rate)


class TinyData(LightningDataModule):
    """Two batches of four samples for every stage, always in the same order."""

    def loader(self) -> DataLoader[tuple[Tensor, ...]]:
        """The batches."""
        x, y = samples()
        return DataLoader(TensorDataset(x, y), batch_size=BATCH_SIZE)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = loader


def samples() -> tuple[Tensor, Tensor]:
    """The inputs (8, 4) and targets (8, 1) of the data."""
    x = torch.linspace(-1, 1, BATCHES * BATCH_SIZE * WIDTH).reshape(-1, WIDTH)
    return x, x.sum(dim=1, keepdim=True)


def batches() -> list[tuple[Tensor, Tensor]]:
    """The batches, as the loader yields them."""
    x, y = samples()
    return list(zip(x.split(BATCH_SIZE), y.split(BATCH_SIZE), strict=True))


def trained_by_hand(epochs: int = 1, processes: int = 1) -> dict[str, Tensor]:
    """The weights after some epochs of a plain PyTorch loop over the tiny data.

    Args:
        epochs: passes over the data.
        processes: how many batches are one, as when so many processes each take one at a time.
    """
    module = TinyModule()
    optimizer = torch.optim.SGD(module.parameters(), lr=module.learning_rate)
    size = BATCH_SIZE * processes
    x, y = samples()
    for batch in list(zip(x.split(size), y.split(size), strict=True)) * epochs:
        optimizer.zero_grad()
        module.loss(batch).backward()
        optimizer.step()
    return module.state_dict()
