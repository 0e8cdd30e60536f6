from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PROGRAM = '''
import torch
from torch.utils.data import DataLoader, TensorDataset
from {lightning} import Callback, LightningDataModule, LightningModule, Trainer
from {cli} import LRSchedulerCallable, OptimizerCallable


class Encoder(torch.nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.width = width


class Wide(Encoder):
    def __init__(self, width: int = 8, depth: int = 2):
        super().__init__(width)
        self.depth = depth


class Plain(LightningModule):
    """A regression.

    Args:
        size: features of the input.
        encoder: what comes first.
    """

    def __init__(self, size: int = 4, encoder: Encoder | None = None, tags: list[str] = []):
        super().__init__()
        self.save_hyperparameters()
        self.encoder = encoder
        self.layer = torch.nn.Linear(size, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch[0]).square().mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layer(batch[0]).square().mean())

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.layer(batch[0]).square().mean())

    def predict_step(self, batch, batch_idx):
        return self.layer(batch[0])


class Own(Plain):
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Given(Plain):
    def __init__(self, size: int = 4, optimizer: OptimizerCallable = torch.optim.SGD,
                 scheduler: LRSchedulerCallable = torch.optim.lr_scheduler.ConstantLR):
        super().__init__(size)
        self.optimizer, self.scheduler = optimizer, scheduler

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        return {{"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}}


class Linked(Plain):
    def __init__(self, size: int = 4, optim: dict | None = None, sched: dict | None = None):
        super().__init__(size)
        self.optim, self.sched = optim, sched


class Data(LightningDataModule):
    def __init__(self, size: int = 4, batch_size: int = 4):
        super().__init__()
        self.save_hyperparameters()
        self.size, self.batch_size, self.num_classes = size, batch_size, size + 1

    def _loader(self):
        data = torch.arange(16 * self.size, dtype=torch.float32).reshape(16, self.size) / 100
        return DataLoader(TensorDataset(data), batch_size=self.batch_size)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = _loader


class Note(Callback):
    def __init__(self, text: str = "", number: int = 0):
        self.text, self.number = text, number
'''


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "both" in metafunc.fixturenames:
        kinds = ("DeprecationWarning", "FutureWarning")  # Lightning's own use of jsonargparse and torch
        marks = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in kinds]
        metafunc.parametrize(
            "both", ["leyden", pytest.param("pytorch_lightning", marks=marks)], indirect=True
        )


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], SimpleNamespace]]:
    """The same program for Leyden or for Lightning: its module, the package and the package's ``cli``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["program.py"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    names: list[str] = []

    def make(package: str) -> SimpleNamespace:
        if package != "leyden":
            pytest.importorskip(package)
        cli = "leyden.cli" if package == "leyden" else f"{package}.cli"
        name = f"program_{package}_{abs(hash(tmp_path)) % 10**8}"
        (tmp_path / f"{name}.py").write_text(PROGRAM.format(lightning=package, cli=cli))
        importlib.invalidate_caches()
        names.append(name)
        own: ModuleType = importlib.import_module(name)
        return SimpleNamespace(
            own=own,
            name=name,
            package=importlib.import_module(package),
            cli=importlib.import_module(cli),
            is_leyden=package == "leyden",
        )

    yield make
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def ours(program: Any) -> SimpleNamespace:
    return program("leyden")


@pytest.fixture
def both(request: pytest.FixtureRequest, program: Any) -> SimpleNamespace:
    """The program under test, once for Leyden and once for the real Lightning, with the same expectations."""
    return program(request.param)


QUIET = [
    "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false",
    "--trainer.accelerator=cpu", "--trainer.num_sanity_val_steps=0",
]  # fmt: skip


@pytest.fixture
def quiet() -> list[str]:
    return list(QUIET)
