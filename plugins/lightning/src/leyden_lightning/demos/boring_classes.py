"""A module of one linear layer, and random data for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from leyden.api.datamodule import LightningDataModule
from leyden.api.module import LightningModule

__all__ = [
    "BoringDataModule",
    "BoringDataModuleNoLen",
    "BoringModel",
    "DemoModel",
    "IterableBoringDataModule",
    "ManualOptimBoringModel",
    "Net",
    "RandomDataset",
    "RandomDictDataset",
    "RandomIterableDataset",
    "RandomIterableDatasetWithLen",
]


class RandomDataset(Dataset[Tensor]):
    """``length`` vectors of ``size`` normal numbers, drawn once."""

    def __init__(self, size: int, length: int) -> None:
        self.len = length
        self.data = torch.randn(length, size)

    def __getitem__(self, index: int) -> Tensor:
        return self.data[index]

    def __len__(self) -> int:
        return self.len


class RandomDictDataset(Dataset[dict[str, Tensor]]):
    """As :class:`RandomDataset`, each item a dict with ``a`` and ``b = a + 2``."""

    def __init__(self, size: int, length: int) -> None:
        self.len = length
        self.data = torch.randn(length, size)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        a = self.data[index]
        return {"a": a, "b": a + 2}

    def __len__(self) -> int:
        return self.len


class RandomIterableDataset(IterableDataset[Tensor]):
    """``count`` vectors of ``size`` normal numbers, drawn while iterating, without a length."""

    def __init__(self, size: int, count: int) -> None:
        self.count = count
        self.size = size

    def __iter__(self) -> Iterator[Tensor]:
        for _ in range(self.count):
            yield torch.randn(self.size)


class RandomIterableDatasetWithLen(RandomIterableDataset):
    """The same with a length."""

    def __len__(self) -> int:
        return self.count


class BoringModel(LightningModule):
    """``Linear(32, 2)``, trained by SGD towards ones."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        """The layer."""
        output: Tensor = self.layer(x)
        return output

    def loss(self, preds: Tensor, labels: Tensor | None = None) -> Tensor:
        """Mean squared error to the labels, which are ones by default."""
        return functional.mse_loss(preds, torch.ones_like(preds) if labels is None else labels)

    def step(self, batch: Tensor) -> Tensor:
        """The loss of a batch of shape (batch, 32)."""
        return self.loss(self(batch))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """``{"loss": …}``."""
        return {"loss": self.step(batch)}

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        """``{"x": …}``."""
        return {"x": self.step(batch)}

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        """``{"y": …}``."""
        return {"y": self.step(batch)}

    def configure_optimizers(self) -> Any:
        """SGD and a scheduler of one step."""
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)]

    def train_dataloader(self) -> Any:
        """64 vectors, one a batch."""
        return DataLoader(RandomDataset(32, 64))

    def val_dataloader(self) -> Any:
        """64 vectors, one a batch."""
        return DataLoader(RandomDataset(32, 64))

    def test_dataloader(self) -> Any:
        """64 vectors, one a batch."""
        return DataLoader(RandomDataset(32, 64))

    def predict_dataloader(self) -> Any:
        """64 vectors, one a batch."""
        return DataLoader(RandomDataset(32, 64))


class ManualOptimBoringModel(BoringModel):
    """The same with manual optimization."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """One step of the optimizer."""
        optimizer = self.optimizers()
        loss = self.step(batch)
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss


class _Stages(LightningDataModule):
    """One data set for each stage, made in ``setup``, and a loader for it."""

    def make(self, stage: str) -> Any:
        """The data of ``train``, ``val``, ``test`` or ``predict``."""
        raise NotImplementedError

    name_of_data = "random_{}"

    def setup(self, stage: str) -> None:
        """Make the data of the stage; fit and validate make that of validation."""
        needed = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}
        for one in needed.get(stage, ()):
            setattr(self, self.name_of_data.format(one), self.make(one))

    def _loader(self, stage: str) -> Any:
        data = getattr(self, self.name_of_data.format(stage))
        return [DataLoader(one) for one in data] if isinstance(data, list) else DataLoader(data)

    def train_dataloader(self) -> Any:
        """Training data."""
        return self._loader("train")

    def val_dataloader(self) -> Any:
        """Validation data."""
        return self._loader("val")

    def test_dataloader(self) -> Any:
        """Test data."""
        return self._loader("test")

    def predict_dataloader(self) -> Any:
        """Data to predict."""
        return self._loader("predict")


class BoringDataModule(_Stages):
    """64 vectors of size 32 for each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.random_full = RandomDataset(32, 64 * 4)

    def make(self, stage: str) -> Any:
        """A quarter of the data."""
        start = 64 * ("train", "val", "test", "predict").index(stage)
        return Subset(self.random_full, range(start, start + 64))


class BoringDataModuleNoLen(_Stages):
    """Vectors of size 32 without a length: 512, 128, 256 and 64."""

    def make(self, stage: str) -> Any:
        """An iterable data set."""
        return RandomIterableDataset(32, {"train": 512, "val": 128, "test": 256, "predict": 64}[stage])


class IterableBoringDataModule(_Stages):
    """Two data sets of size 4 for each stage, one with and one without a length: 16, 32, 64 and 128."""

    name_of_data = "{}_datasets"

    def make(self, stage: str) -> Any:
        """A data set and an iterable one."""
        count = {"train": 16, "val": 32, "test": 64, "predict": 128}[stage]
        return [RandomDataset(4, count), RandomIterableDataset(4, count)]


class DemoModel(LightningModule):
    """``relu(Linear(32, out_dim))``, trained by Adam towards zeros."""

    def __init__(self, out_dim: int = 10, learning_rate: float = 0.02) -> None:
        super().__init__()
        self.l1 = nn.Linear(32, out_dim)
        self.learning_rate = learning_rate

    def forward(self, x: Tensor) -> Tensor:
        """The flattened input through the layer."""
        return torch.relu(self.l1(x.flatten(1)))

    def training_step(self, batch: Any, batch_nb: int) -> Any:
        """The sum of the outputs."""
        return self(batch).sum()

    def configure_optimizers(self) -> Any:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate)


class Net(nn.Module):
    """A small convolutional classifier of ten classes for images of shape (batch, 1, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(64 * 12 * 12, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities of shape (batch, 10)."""
        x = torch.relu(self.conv2(torch.relu(self.conv1(x))))
        x = self.dropout1(functional.max_pool2d(x, 2)).flatten(1)
        x = self.dropout2(torch.relu(self.fc1(x)))
        return functional.log_softmax(self.fc2(x), dim=1)
