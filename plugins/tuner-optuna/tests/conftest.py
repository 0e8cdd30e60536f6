from __future__ import annotations

from pathlib import Path

import optuna
import pytest

SOURCE = '''
import os
import torch
from torch.utils.data import DataLoader, TensorDataset
import leyden

def parabola(params):
    return (params["x"] - 3) ** 2

def pids(params):
    params.trial.set_user_attr("pid", os.getpid())
    return params["x"]

def failing(params):
    raise ZeroDivisionError("in a trial")

class Line(leyden.LightningModule):
    """Fits y = 3 x; the loss is far from 0 unless the learning rate is near 0.5."""

    def __init__(self, lr=0.5, width=1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.layer.weight)

    def training_step(self, batch, batch_idx):
        loss = (self.layer(batch[0]) - batch[1]).square().mean()
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", (self.layer(batch[0]) - batch[1]).square().mean())
        self.log("width", float(self.hparams.width))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.hparams.lr)

class Numbers(leyden.LightningDataModule):
    def __init__(self, batch_size=4):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        x = torch.linspace(-1, 1, 16).unsqueeze(1)
        return DataLoader(TensorDataset(x, 3 * x), batch_size=self.batch_size)

    val_dataloader = train_dataloader

def loaders(batch_size=4):
    data = Numbers(batch_size)
    return data.train_dataloader(), data.val_dataloader()
'''


@pytest.fixture(scope="session")
def _source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studied")
    (folder / "studied_for_tests.py").write_text(SOURCE)
    return folder


@pytest.fixture(autouse=True)
def studied(_source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """A module with objectives and a LightningModule, which other processes can import."""
    import importlib

    monkeypatch.syspath_prepend(_source)
    monkeypatch.chdir(tmp_path)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return importlib.import_module("studied_for_tests")
