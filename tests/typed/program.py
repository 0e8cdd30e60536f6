"""A program as users write it; type checkers are to accept it, and to know what everything is."""

from __future__ import annotations

from typing import assert_type

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import leyden
from leyden import Callback, LightningDataModule, LightningModule, Trainer
from leyden.callbacks import EarlyStopping, ModelCheckpoint
from leyden.loggers import CSVLogger
from leyden.profilers import SimpleProfiler

Batch = tuple[Tensor, Tensor]


class Classifier(LightningModule):
    def __init__(self, width: int = 8, lr: float = 1e-2) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))
        self.lr = lr

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.layers(inputs)
        return outputs

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        inputs, targets = batch
        loss = nn.functional.cross_entropy(self(inputs), targets)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        inputs, targets = batch
        self.log_dict({"val_loss": nn.functional.cross_entropy(self(inputs), targets)})

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class Data(LightningDataModule):
    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(TensorDataset(torch.randn(8, 4), torch.randint(3, (8,))), batch_size=4)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return self.train_dataloader()


class Says(Callback):
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.print(f"epoch {trainer.current_epoch}: {trainer.callback_metrics['val_loss']:.3f}")


def main(folder: str) -> None:
    leyden.seed_everything(0)
    best = ModelCheckpoint(dirpath=folder, monitor="val_loss", save_top_k=2)
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        callbacks=[best, EarlyStopping(monitor="val_loss", patience=3), Says()],
        logger=CSVLogger(folder),
        gradient_clip_val=0.5,
        profiler=SimpleProfiler(),
        enable_progress_bar=False,
    )
    trainer.fit(Classifier(), datamodule=Data())
    assert_type(trainer.current_epoch, int)
    assert_type(trainer.validate(Classifier(), datamodule=Data(), verbose=False), list[dict[str, float]])
    assert_type(best.best_model_path, str)
    again = Classifier.load_from_checkpoint(best.best_model_path)
    assert_type(again, Classifier)
