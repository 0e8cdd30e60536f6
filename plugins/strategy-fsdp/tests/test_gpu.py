"""Shards on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningModule, Trainer
from leyden_strategy_fsdp import FSDPStrategy

DEVICE = "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.multiprocess,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


class Net(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return (self.net(x) - y).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


def fitted(folder: Path, strategy: Any, **keywords: Any) -> Net:
    x = torch.linspace(-1, 1, 96).reshape(32, 3)
    trainer = Trainer(
        accelerator=DEVICE, devices=1, strategy=strategy, max_epochs=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder, **keywords,
    )  # fmt: skip
    module = Net()
    trainer.fit(module, DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8))
    return module


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("32-true", 1e-6), ("bf16-mixed", 5e-2), ("16-mixed", 5e-2)]
)
@pytest.mark.parametrize("offload", [False, True])
def test_one_device_trains_as_without_shards(
    precision: str, tolerance: float, offload: bool, tmp_path: Path
) -> None:
    alone = fitted(tmp_path, "single_device", precision=precision)
    strategy = FSDPStrategy(auto_wrap_policy={nn.Linear}, cpu_offload=offload)
    sharded = fitted(tmp_path, strategy, precision=precision, gradient_clip_val=100.0)
    for name, weight in alone.state_dict().items():
        found = sharded.state_dict()[name].cpu()
        torch.testing.assert_close(found, weight.cpu(), rtol=tolerance, atol=tolerance)
