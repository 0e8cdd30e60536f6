"""A training program for two processes, run with either package: ``python program.py NAMESPACE FOLDER [NAME]``."""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def module(package: Any) -> Any:
    class Net(package.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))

        def loss(self, batch: Any) -> Any:
            x, y = batch
            return (self.net(x) - y).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch)
            self.log("loss", loss, on_step=True, on_epoch=True, sync_dist=True)
            self.log("most", loss.detach(), on_epoch=True, on_step=False, sync_dist=True, reduce_fx="max")
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val", self.loss(batch), sync_dist=True)

        def on_train_epoch_end(self) -> None:
            self.log("ranks", float(self.trainer.global_rank), sync_dist=True, reduce_fx="sum")

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.log("test", self.loss(batch), sync_dist=True)

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=0.01)

    return Net()


def main(namespace: str, folder: Path, name: str = "ddp") -> None:
    warnings.filterwarnings("ignore")
    package = import_module(namespace)
    callbacks, loggers = import_module(f"{namespace}.callbacks"), import_module(f"{namespace}.loggers")
    package.seed_everything(3, verbose=False)
    x = torch.randn(44, 4)
    rows = TensorDataset(x, x.sum(1, keepdim=True))
    saving = callbacks.ModelCheckpoint(folder / "files", "{epoch}-{step}", monitor="val", save_top_k=2)
    net = module(package)
    trainer = package.Trainer(
        accelerator="cpu", devices=2, strategy=name, max_epochs=3, log_every_n_steps=2, callbacks=[saving],
        logger=loggers.CSVLogger(folder, name="", version="logs"), enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, accumulate_grad_batches=2, gradient_clip_val=0.5,
    )  # fmt: skip
    loaders = DataLoader(rows, batch_size=4, shuffle=True), DataLoader(rows, batch_size=2)
    trainer.fit(net, *loaders)
    metrics = {key: float(value) for key, value in sorted(trainer.callback_metrics.items())}
    tested = trainer.test(net, loaders[1], verbose=False)
    found = {
        "rank": trainer.global_rank,
        "world": trainer.world_size,
        "step": trainer.global_step,
        "epoch": trainer.current_epoch,
        "metrics": metrics,
        "tested": tested,
        "weights": {key: value.flatten().tolist() for key, value in net.state_dict().items()},
        "best": Path(saving.best_model_path).name,
    }
    (folder / f"rank-{trainer.global_rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
