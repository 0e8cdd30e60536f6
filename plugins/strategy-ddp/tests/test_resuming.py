"""A run of two processes, stopped at several points and resumed, is the uninterrupted run, in both processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningModule, Trainer, seed_everything
from leyden_strategy_ddp import DDPStrategy

pytestmark = pytest.mark.multiprocess
POINTS = [
    ("on_train_batch_end", 0, 0),
    ("on_train_batch_end", 0, 2),
    ("on_train_batch_end", 1, 1),
    ("on_validation_end", 0, 3),
    ("on_validation_end", 1, 3),
    ("on_train_epoch_end", 0, 3),
    ("on_train_epoch_start", 1, 3),
]


class Net(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 1))
        self.seen: list[int] = []

    def setup(self, stage: str) -> None:
        seed_everything(10 + self.global_rank, verbose=False)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y, index = batch
        self.seen += index.tolist()
        loss = (self.net(x) - y).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=True, sync_dist=True)
        self.log("local", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y, _ = batch
        self.log("val", (self.net(x) - y).square().mean(), sync_dist=True)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 2), "interval": "step"}]


class Save(Callback):
    """Saves a file at each of the points."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _save(self, trainer: Any, hook: str) -> None:
        point = (hook, trainer.current_epoch, trainer.fit_loop.batch_idx)
        if not trainer.sanity_checking and point in POINTS:
            trainer.save_checkpoint(self.folder / f"{POINTS.index(point)}.ckpt")

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self._save(trainer, "on_train_batch_end")

    def on_validation_end(self, trainer: Any, *_: Any) -> None:
        self._save(trainer, "on_validation_end")

    def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
        self._save(trainer, "on_train_epoch_end")

    def on_train_epoch_start(self, trainer: Any, *_: Any) -> None:
        self._save(trainer, "on_train_epoch_start")


class Tell(Callback):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        found = {
            "weights": {name: one.tolist() for name, one in pl_module.state_dict().items()},
            "metrics": {name: float(one) for name, one in trainer.callback_metrics.items()},
            "seen": pl_module.seen,
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "random": torch.rand(3).tolist(),
            "step": trainer.global_step,
        }
        (self.folder / f"{trainer.global_rank}.json").write_text(json.dumps(found))


def fit(folder: Path, *callbacks: Callback, path: Path | None = None, window: int) -> list[Any]:
    folder.mkdir(exist_ok=True)
    x = torch.linspace(-2, 2, 48).reshape(16, 3)
    rows = TensorDataset(x, x.sum(1, keepdim=True), torch.arange(16))
    trainer = Trainer(
        accelerator="cpu", devices=2, strategy=DDPStrategy(start_method="fork"), max_epochs=3, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=[*callbacks, Tell(folder)], accumulate_grad_batches=window, num_sanity_val_steps=0,
    )  # fmt: skip
    loaders = DataLoader(rows, batch_size=2, shuffle=True), DataLoader(rows, batch_size=4)
    trainer.fit(Net(), *loaders, ckpt_path=path)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("window", [1, 2])
def test_every_rank_goes_on_exactly(window: int, tmp_path: Path) -> None:
    whole = fit(tmp_path / "whole", Save(tmp_path), window=window)
    assert len(list(tmp_path.glob("*.ckpt"))) == len(POINTS)
    for index, point in enumerate(POINTS):
        again = fit(tmp_path / f"again-{index}", path=tmp_path / f"{index}.ckpt", window=window)
        for rank in range(2):
            count = len(again[rank]["seen"])
            wanted = {**whole[rank], "seen": whole[rank]["seen"][-count:]}
            assert again[rank] == wanted, f"rank {rank}, saved in {point}"
    assert sorted(whole[0]["seen"][:8] + whole[1]["seen"][:8]) == list(range(16)), "an epoch has every sample"
    assert whole[0]["random"] != whole[1]["random"]
    assert whole[0]["metrics"]["local"] != whole[1]["metrics"]["local"]
