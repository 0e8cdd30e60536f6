"""A program for torchrun: ``torchrun … program.py FOLDER DEVICES NODES``. In its first life, rank one is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningModule, Trainer
from leyden.callbacks import ModelCheckpoint

KILLED_AT = 10
EPOCHS = 6


class Net(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(2, 1)
        self.began = -1

    def on_train_start(self) -> None:
        self.began = self.trainer.global_step

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        first = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
        if first and self.global_rank == 1 and self.trainer.global_step == KILLED_AT and "KILL" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        x, y = batch
        return (self.layer(x) - y).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.1)


def main(folder: Path, devices: int, nodes: int) -> None:
    warnings.filterwarnings("ignore")
    x = torch.linspace(-1, 1, 24).reshape(12, 2)
    loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=2, shuffle=True)
    net = Net()
    trainer = Trainer(
        accelerator="cpu", devices=devices, num_nodes=nodes, strategy="ddp", max_epochs=EPOCHS, logger=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
        callbacks=[ModelCheckpoint(folder / "files", save_last=True)],
    )  # fmt: skip
    trainer.fit(net, loader, ckpt_path="last")
    found = {
        "began": net.began,
        "step": trainer.global_step,
        "environment": type(trainer.strategy.environment).__name__,
        "weights": net.layer.weight.flatten().tolist(),
        "restarts": os.environ.get("TORCHELASTIC_RESTART_COUNT"),
        "node": trainer.node_rank,
    }
    (folder / f"rank-{trainer.global_rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
