"""The same program under PyTorch Lightning."""

from __future__ import annotations

import importlib
import inspect
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Runner
from leyden_logger_wandb import WandbLogger


def module_class(package: Any) -> Any:
    class Module(package.LightningModule):  # type: ignore[misc]
        def __init__(self, lr: float = 0.1, layers: Any = None) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(2, 1)
            torch.nn.init.constant_(self.layer.weight, 0.5)
            torch.nn.init.zeros_(self.layer.bias)

        def loss(self, batch: Any) -> Any:
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch)
            self.log("train/loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log_dict(
                {"val_loss": self.loss(batch), "val_step": self.loss(batch)}, on_step=True, on_epoch=True
            )

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

    return Module


def data_class(package: Any) -> Any:
    class Data(package.LightningDataModule):  # type: ignore[misc]
        def train_dataloader(self) -> Any:
            x = torch.linspace(-1, 1, 14).reshape(7, 2)
            return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=2)

        val_dataloader = train_dataloader

    return Data


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: round(value, 6) for key, value in row.items()} for row in rows]


def under_lightning(folder: Path, monkeypatch: pytest.MonkeyPatch, **keywords: Any) -> Any:
    off = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = importlib.import_module("pytorch_lightning")
        monkeypatch.setattr(logging.getLogger("lightning"), "disabled", True)
        logger = importlib.import_module("pytorch_lightning.loggers").WandbLogger(
            save_dir=folder, project="p", prefix="p", anonymous=None
        )
        monkeypatch.delitem(logger._wandb_init, "anonymous")  # this wandb warns of it
        trainer = package.Trainer(
            logger=logger, accelerator="cpu", default_root_dir=folder, **off, **keywords
        )
        trainer.fit(module_class(package)(layers={"a": {"b": [1]}}), datamodule=data_class(package)())
        return logger.experiment


@pytest.mark.parametrize(
    "keywords",
    [
        {"max_epochs": 2, "log_every_n_steps": 2},
        {"max_epochs": 2, "log_every_n_steps": 1, "accumulate_grad_batches": 3},
    ],
    ids=["plain", "accumulating"],
)
def test_a_run_is_that_of_lightning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leyden_run: Runner,
    written: Callable[[Any], Any],
    keywords: dict[str, Any],
) -> None:
    import leyden

    logger = WandbLogger(save_dir=tmp_path / "ours", project="p", prefix="p")
    module = module_class(leyden)(layers={"a": {"b": [1]}})
    leyden_run(module=module, data=data_class(leyden)(), logger=logger, **keywords).ok()
    ours = written(logger.experiment)
    theirs = written(under_lightning(tmp_path / "theirs", monkeypatch, **keywords))
    assert rounded(ours.rows) == rounded(theirs.rows)
    assert len(ours.rows) > 5
    assert (ours.config, ours.axes) == (theirs.config, theirs.axes)


def test_the_arguments_are_those_of_lightning() -> None:
    theirs = importlib.import_module("pytorch_lightning.loggers").WandbLogger
    assert [(name, one.default) for name, one in inspect.signature(theirs).parameters.items()] == [
        (name, one.default) for name, one in inspect.signature(WandbLogger).parameters.items()
    ]
    for method in ("watch", "log_table", "log_text", "log_image", "log_audio", "log_video", "download_artifact",
                   "use_artifact"):  # fmt: skip
        ours, other = (inspect.signature(getattr(one, method)).parameters for one in (WandbLogger, theirs))
        assert [(name, one.default) for name, one in ours.items()] == [
            (name, one.default) for name, one in other.items()
        ]
