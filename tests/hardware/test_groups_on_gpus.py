"""DDP and FSDP on GPUs, where NCCL connects processes that have a device each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningModule, Trainer
from leyden.strategies import DDPStrategy, FSDPStrategy

DEVICE = "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.multiprocess,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


class Net(LightningModule):
    def __init__(self, *between: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 8), *between, nn.Tanh(), nn.Linear(8, 1))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        loss = (self.net(x) - y).square().mean()
        self.log("loss", loss, sync_dist=True, on_step=True, on_epoch=True)
        assert loss.device.type == DEVICE
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch
        self.log("val", (self.net(x) - y).square().mean(), sync_dist=True)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


def fitted(folder: Path, strategy: Any, module: Net, devices: int = 1, **keywords: Any) -> Trainer:
    x = torch.linspace(-1, 1, 96).reshape(32, 3)
    rows = TensorDataset(x, x.sum(1, keepdim=True))
    trainer = Trainer(
        accelerator=DEVICE, devices=devices, strategy=strategy, max_epochs=2, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=folder, **keywords,
    )  # fmt: skip
    trainer.fit(module, DataLoader(rows, batch_size=8 // devices), DataLoader(rows, batch_size=8))
    return trainer


def close(one: nn.Module, other: nn.Module, tolerance: float) -> None:
    for name, weight in one.state_dict().items():
        found = other.state_dict()[name]
        torch.testing.assert_close(found.cpu(), weight.cpu(), rtol=tolerance, atol=tolerance)


def strategy(name: str) -> Any:
    if name == "ddp":
        return DDPStrategy()
    return FSDPStrategy(auto_wrap_policy={nn.Linear}, cpu_offload=name == "fsdp, offloaded")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("name", ["ddp", "fsdp", "fsdp, offloaded"])
def test_one_device_trains_as_without_a_group(name: str, precision: str, tmp_path: Path) -> None:
    alone, grouped = Net(), Net()
    fitted(tmp_path, "single_device", alone, precision=precision)
    trainer = fitted(tmp_path, strategy(name), grouped, precision=precision, gradient_clip_val=100.0)
    assert trainer.strategy.process_group_backend == ("nccl" if DEVICE == "cuda" else "gloo")
    # FSDP2 rounds parameters, and autocast the operations.
    close(alone, grouped, 1e-6 if name == "ddp" or precision == "32-true" else 5e-2)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_devices_with_common_statistics_train_as_one(tmp_path: Path) -> None:
    alone, several = Net(nn.BatchNorm1d(8)), Net(nn.BatchNorm1d(8))
    fitted(tmp_path, "single_device", alone)
    fitted(tmp_path, DDPStrategy(start_method="spawn"), several, devices=2, sync_batchnorm=True)
    close(alone, several, 1e-4)
    assert type(several.net[1]) is nn.BatchNorm1d
