"""Runs on a real GPU: exact resume with its random numbers, compiled steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningModule, Trainer

DEVICE = "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


class Net(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.5), nn.Linear(16, 1))

    def forward(self, x: Any) -> Any:
        return self.net(x)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return (self(x + torch.randn_like(x)) - y).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Save(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 5:
            trainer.save_checkpoint(self.path)


def fitted(folder: Path, module: Any, *callbacks: Any, path: Path | None = None, **keywords: Any) -> Any:
    x = torch.linspace(-1, 1, 96).reshape(32, 3)
    trainer = Trainer(
        accelerator=DEVICE, devices=1, max_epochs=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
        callbacks=list(callbacks), **keywords,
    )  # fmt: skip
    trainer.fit(module, DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8), ckpt_path=path)
    return trainer


@pytest.mark.parametrize("precision", ["32-true", "16-mixed", "bf16-mixed"])
def test_a_resumed_run_draws_the_random_numbers_of_the_uninterrupted_one(
    precision: str, tmp_path: Path
) -> None:
    path, whole, again = tmp_path / "saved.ckpt", Net(), Net()
    torch.manual_seed(7)
    fitted(tmp_path, whole, Save(path), precision=precision)
    torch.manual_seed(8)
    fitted(tmp_path, again, path=path, precision=precision)
    for name, weight in whole.state_dict().items():
        assert again.state_dict()[name].equal(weight), name


@pytest.mark.filterwarnings("ignore")  # of the compiler's own imports
def test_a_compiled_module_trains(tmp_path: Path) -> None:
    module = Net()
    before = {name: one.detach().clone().cpu() for name, one in module.named_parameters()}
    trainer = fitted(tmp_path, torch.compile(module))
    assert trainer.global_step == 8
    assert all(not one.cpu().equal(before[name]) for name, one in module.named_parameters())
