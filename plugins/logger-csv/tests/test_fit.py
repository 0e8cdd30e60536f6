"""Real runs, beside the same program under PyTorch Lightning."""

from __future__ import annotations

import csv
import importlib
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Runner, TinyModule


def module_class(package: Any) -> Any:
    class Module(package.LightningModule):  # type: ignore[misc]
        def __init__(self, lr: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(2, 1)
            torch.nn.init.constant_(self.layer.weight, 0.5)
            torch.nn.init.zeros_(self.layer.bias)

        def loss(self, batch: Any) -> Any:
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", self.loss(batch))
            self.log("val_step", self.loss(batch), on_step=True, on_epoch=False)

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


def rows(folder: str) -> list[dict[str, str]]:
    with Path(folder, "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def under_lightning(folder: Path, monkeypatch: pytest.MonkeyPatch, **keywords: Any) -> list[dict[str, str]]:
    off = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = importlib.import_module("pytorch_lightning")
        logger = importlib.import_module("pytorch_lightning.loggers").CSVLogger(folder)
        monkeypatch.setattr(logging.getLogger("lightning"), "disabled", True)
        trainer = package.Trainer(
            logger=logger, accelerator="cpu", default_root_dir=folder, **off, **keywords
        )
        trainer.fit(module_class(package)(), datamodule=data_class(package)())
    return rows(logger.log_dir)


@pytest.mark.parametrize(
    "keywords",
    [
        {"max_epochs": 2, "log_every_n_steps": 2},
        {"max_epochs": 2, "log_every_n_steps": 1, "accumulate_grad_batches": 3},
        {"max_epochs": 3, "log_every_n_steps": 50, "check_val_every_n_epoch": 2},
    ],
    ids=["plain", "accumulating", "rarely"],
)
def test_rows_are_those_of_lightning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leyden_run: Runner, keywords: dict[str, Any]
) -> None:
    import leyden
    from leyden.loggers import CSVLogger

    logger = CSVLogger(tmp_path / "ours")
    module, data = module_class(leyden)(), data_class(leyden)()
    leyden_run(module=module, data=data, logger=logger, **keywords).ok()
    ours, theirs = rows(logger.log_dir), under_lightning(tmp_path / "theirs", monkeypatch, **keywords)
    assert [list(row) for row in ours] == [list(row) for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert {key: bool(value) for key, value in mine.items()} == {
            key: bool(value) for key, value in other.items()
        }
        for key in mine:
            assert float(mine[key] or 0) == pytest.approx(float(other[key] or 0), rel=1e-6)


def test_a_run_that_fails_keeps_its_rows(tmp_path: Path, leyden_run: Runner) -> None:
    from leyden.loggers import CSVLogger

    logger = CSVLogger(tmp_path)
    outcome = leyden_run(
        module=TinyModule(fail_in="training_step"), logger=logger, log_every_n_steps=1, num_sanity_val_steps=0
    )
    assert isinstance(outcome.exception, RuntimeError)
    assert [row["step"] for row in rows(logger.log_dir)] == ["0"]


def test_two_fits_go_into_one_file(tmp_path: Path, leyden_run: Runner) -> None:
    from leyden.loggers import CSVLogger

    logger = CSVLogger(tmp_path, batch_and_phase=True)
    leyden_run("fit", "test", logger=logger, log_every_n_steps=1).ok()
    found = rows(logger.log_dir)
    assert {row["phase"] for row in found} == {"train", "validate", "test"}
    assert [(row["step"], row["batch"]) for row in found if row["phase"] == "train"] == [
        ("0", "1"),
        ("1", "2"),
    ]
    assert all(row["epoch"] for row in found)


def test_rows_wait_for_the_flush_interval(tmp_path: Path, leyden_run: Runner) -> None:
    from leyden import Callback
    from leyden.loggers import CSVLogger

    logger, seen = CSVLogger(tmp_path, flush_logs_every_n_steps=2), []

    class Watch(Callback):
        def on_train_batch_start(self, *_: Any) -> None:
            path = Path(logger.log_dir, "metrics.csv")
            seen.append(len(path.read_text().splitlines()) if path.exists() else 0)

    keywords: dict[str, Any] = {"log_every_n_steps": 1, "limit_val_batches": 0, "max_epochs": 2}
    leyden_run(logger=logger, callbacks=[Watch()], **keywords).ok()
    assert seen == [0, 0, 3, 3]
