"""The same program under PyTorch Lightning."""

from __future__ import annotations

import importlib
import inspect
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader, TensorDataset

from leyden.loggers import TensorBoardLogger
from leyden.testing import Runner


def module_class(package: Any) -> Any:
    class Module(package.LightningModule):  # type: ignore[misc]
        def __init__(self, lr: float = 0.1, layers: Any = None) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.example_input_array = torch.zeros(1, 2)
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

        def forward(self, x: Any) -> Any:
            return self.layer(x)

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


def content(folder: str) -> dict[str, Any]:
    """Points by tag, in the order of writing; the other things that are there; the folder's files."""
    found = EventAccumulator(folder, size_guidance={"scalars": 0}).Reload()
    points = {
        tag: [(event.step, round(event.value, 6)) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }
    names = sorted(path.name.partition(".tfevents")[0] for path in Path(folder).iterdir())
    hparams = sorted(name for name in found.summary_metadata if name.startswith("_hparams_"))
    return {"points": points, "graph": found.Tags()["graph"], "files": names, "hparams": hparams}


def under_lightning(folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, keywords: Any) -> Any:
    off = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = importlib.import_module("pytorch_lightning")
        monkeypatch.setattr(logging.getLogger("lightning"), "disabled", True)
        logger = importlib.import_module("pytorch_lightning.loggers").TensorBoardLogger(folder, **arguments)
        trainer = package.Trainer(
            logger=logger, accelerator="cpu", default_root_dir=folder, **off, **keywords
        )
        trainer.fit(module_class(package)(layers={"a": {"b": [1]}}), datamodule=data_class(package)())
    return logger


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ({"prefix": "p"}, {"max_epochs": 2, "log_every_n_steps": 2}),
        (
            {"log_graph": True, "sub_dir": "sub", "name": None, "version": "mine"},
            {"max_epochs": 2, "log_every_n_steps": 1, "accumulate_grad_batches": 3},
        ),
        ({"default_hp_metric": False}, {"max_epochs": 1, "log_every_n_steps": 1}),
    ],
    ids=["prefix", "graph", "no_place_holder"],
)
def test_event_files_are_those_of_lightning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leyden_run: Runner, arguments: Any, keywords: Any
) -> None:
    import leyden

    logger = TensorBoardLogger(tmp_path / "ours", **arguments)
    module = module_class(leyden)(layers={"a": {"b": [1]}})
    leyden_run(module=module, data=data_class(leyden)(), logger=logger, **keywords).ok()
    other = under_lightning(tmp_path / "theirs", monkeypatch, arguments, keywords)
    ours, theirs = content(logger.log_dir), content(other.log_dir)
    assert ours == theirs
    assert Path(logger.log_dir).relative_to(tmp_path / "ours") == Path(other.log_dir).relative_to(
        tmp_path / "theirs"
    )
    assert len(ours["points"]) >= 5


def test_the_arguments_are_those_of_lightning() -> None:
    theirs = importlib.import_module("pytorch_lightning.loggers").TensorBoardLogger
    assert [(name, one.default) for name, one in inspect.signature(theirs).parameters.items()] == [
        (name, one.default) for name, one in inspect.signature(TensorBoardLogger).parameters.items()
    ]
