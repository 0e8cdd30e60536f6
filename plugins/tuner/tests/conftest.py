from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Package

SAMPLES = 64


class Bench(Package):
    """Searches with the classes of one package."""

    def tuner(self, *callbacks: Any, **keywords: Any) -> Any:
        return self.part("tuner").Tuner(self.trainer(*callbacks, **{"max_epochs": 20, **keywords}))

    def module(self, **settings: Any) -> Any:
        """A small network; its attribute ``tried`` lists the sizes of the batches that it was given."""
        given = {
            "fits": 10**9,
            "skips": 0,
            "optimizer": "sgd",
            "name": "lr",
            "shuffle": False,
            "dropout": 0.2,
        } | settings
        return _module(self.api.LightningModule, given)

    def data(self) -> Any:
        """A data module with the batch size, for a module without loaders of its own."""

        class Data(self.api.LightningDataModule):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.batch_size = 4

            def train_dataloader(self) -> Any:
                return DataLoader(dataset(), batch_size=self.batch_size)

        return Data()


class Kept(list[int]):
    """A list that a search does not put back."""


def _module(base: type, settings: dict[str, Any]) -> Any:
    tried = Kept()

    class Module(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            setattr(self, settings["name"], 0.01)
            self.batch_size = 4
            torch.manual_seed(1)
            layers = (torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(settings["dropout"]))
            self.net = torch.nn.Sequential(*layers, torch.nn.Linear(8, 1))

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            x, y = self.taken(batch)
            if settings["skips"] and batch_idx % settings["skips"] == 1:
                return None
            loss = (self.net(x) - y).square().mean()
            self.log("loss", loss)
            return loss

        def taken(self, batch: Any) -> Any:
            tried.append(len(batch[0]))
            if len(batch[0]) > settings["fits"]:
                raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
            return batch

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.taken(batch)

        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return self.taken(batch)[0]

        def configure_optimizers(self) -> Any:
            return _optimizer(self, settings["optimizer"], getattr(self, settings["name"]))

        def loader(self) -> Any:
            return DataLoader(dataset(), batch_size=self.batch_size, shuffle=settings["shuffle"])

        def in_order(self) -> Any:
            return DataLoader(dataset(), batch_size=self.batch_size)

        train_dataloader, test_dataloader, predict_dataloader = loader, in_order, in_order

    class Validating(Module):
        val_dataloader = Module.in_order

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", self.net(self.taken(batch)[0]).mean())

    made = (Validating if settings.get("validates") else Module)()
    made.__dict__["tried"] = tried
    return made


def _optimizer(module: Any, kind: str, rate: float) -> Any:
    if kind == "groups":
        groups = [
            {"params": module.net[0].parameters(), "lr": rate},
            {"params": module.net[3].parameters()},
        ]
        return torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    if kind == "adam":
        return torch.optim.Adam(module.parameters(), lr=rate)
    optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    if kind == "scheduled":
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]
    if kind == "two":
        module.automatic_optimization = False
        return [optimizer, torch.optim.SGD(module.parameters(), lr=rate)]
    return optimizer


def dataset() -> Any:
    x = torch.linspace(-1, 1, 3 * SAMPLES).reshape(-1, 3)
    return TensorDataset(x, x.sum(dim=1, keepdim=True).sin())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture(autouse=True)
def _no_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gc.collect", lambda *_: 0)  # half a second each, many times in a search


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)
