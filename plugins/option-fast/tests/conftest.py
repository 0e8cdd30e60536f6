"""A small module, its data, and a fit of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningModule, Trainer


class Net(LightningModule):
    """Two layers and, between them, dropout.

    Args:
        make: makes the optimizer for parameters.
        dropout: how much is dropped.
        scheduler: makes a scheduler that steps with every update.
    """

    def __init__(
        self, make: Callable[..., Any], dropout: float = 0.0, scheduler: Callable[..., Any] | None = None
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.make, self.scheduler = make, scheduler
        self.net = torch.nn.Sequential(
            torch.nn.Linear(6, 8), torch.nn.Dropout(dropout), torch.nn.Tanh(), torch.nn.Linear(8, 1)
        )

    def training_step(self, batch: Any) -> Any:
        loss = (self.net(batch[0]) - batch[1]).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=True)
        return loss

    def configure_optimizers(self) -> Any:
        optimizer = self.make(self.parameters())
        if self.scheduler is None:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.scheduler(optimizer), "interval": "step"},
        }


def data(count: int = 40, batch_size: int = 4) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(1)
    return DataLoader(
        TensorDataset(torch.randn(count, 6, generator=generator), torch.randn(count, 1, generator=generator)),
        batch_size,
    )


def fitted(module: LightningModule, fast: Any, loader: Any = None, **options: Any) -> Trainer:
    keywords: dict[str, Any] = {
        "accelerator": "cpu", "devices": 1, "max_epochs": 2, "logger": False, "enable_checkpointing": False,
        "enable_progress_bar": False, "enable_model_summary": False,
    }  # fmt: skip
    trainer = Trainer(fast=fast, **{**keywords, **options})
    trainer.fit(module, data() if loader is None else loader)
    return trainer


def assert_close(one: LightningModule, two: LightningModule) -> None:
    for mine, other in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@pytest.fixture
def kit() -> Any:
    """All of it."""
    return SimpleNamespace(Net=Net, data=data, fitted=fitted, assert_close=assert_close)
