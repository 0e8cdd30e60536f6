from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Package, quiet

Score = Callable[[int], float]


class Bench(Package):
    """Fits of a small module with the classes of one package, in one folder.

    The module logs ``val_loss`` when it validates and ``train_loss`` in each batch; both are ``score(global_step)``.
    """

    def stopping(self, monitor: str = "val_loss", **arguments: Any) -> Any:
        return self.callbacks.EarlyStopping(monitor, **arguments)

    def module(self, score: Score, validates: bool = True) -> Any:
        return make_module(self.api.LightningModule, score, validates)

    def trainer(self, *callbacks: Any, **keywords: Any) -> Any:
        return super().trainer(*callbacks, **{"max_epochs": 1, **keywords})

    def fit(
        self,
        *callbacks: Any,
        score: Score = lambda step: 1 / (1 + step),
        batches: int = 2,
        validates: bool = True,
        ckpt_path: Any = None,
        module: Any = None,
        warns: bool = False,
        **keywords: Any,
    ) -> Any:
        """Train a new module with a new Trainer; each epoch has so many batches and one of validation."""
        with nullcontext() if warns else quiet():
            trainer = self.trainer(*callbacks, **keywords)
            module = module or self.module(score, validates)
            val = loader(1) if validates else None
            trainer.fit(module, loader(batches), val, ckpt_path=ckpt_path)
        return trainer


def make_module(base: type, score: Score, validates: bool = True) -> Any:
    class Module(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("train_loss", score(self.trainer.global_step))
            return self.layer(batch[0]).square().mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    class Validating(Module):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", score(self.trainer.global_step), batch_size=1)

    return (Validating if validates else Module)()


def loader(batches: int) -> Any:
    return DataLoader(TensorDataset(torch.linspace(-1, 1, 4 * batches).reshape(-1, 2)), batch_size=2)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)
