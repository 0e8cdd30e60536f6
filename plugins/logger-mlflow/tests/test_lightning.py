"""The same program under PyTorch Lightning, into the same kind of store."""

from __future__ import annotations

import importlib
import inspect
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Runner
from leyden_logger_mlflow import MLFlowLogger


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


def content(logger: Any) -> dict[str, Any]:
    """What a run holds: points of each metric, parameters, status, and paths of artifacts."""
    client, run = logger.experiment, logger.experiment.get_run(logger.run_id)
    # Equal points of one millisecond are one in the database.
    metrics = {
        name: sorted(
            {(one.step, round(one.value, 6)) for one in client.get_metric_history(run.info.run_id, name)}
        )
        for name in run.data.metrics
    }
    return {"metrics": metrics, "params": run.data.params, "status": run.info.status}


def under_lightning(
    uri: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **keywords: Any
) -> dict[str, Any]:
    off = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = importlib.import_module("pytorch_lightning")
        monkeypatch.setattr(logging.getLogger("pytorch_lightning.loggers.mlflow"), "disabled", True)
        logger = importlib.import_module("pytorch_lightning.loggers").MLFlowLogger(
            "theirs", tracking_uri=uri, prefix="p"
        )
        trainer = package.Trainer(
            logger=logger, accelerator="cpu", default_root_dir=folder, **off, **keywords
        )
        trainer.fit(module_class(package)(layers={"a": {"b": [1]}}), datamodule=data_class(package)())
        return content(logger)


@pytest.mark.parametrize(
    "keywords",
    [
        {"max_epochs": 2, "log_every_n_steps": 2},
        {"max_epochs": 2, "log_every_n_steps": 1, "accumulate_grad_batches": 3},
    ],
    ids=["plain", "accumulating"],
)
def test_a_run_is_that_of_lightning(
    save_dir: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leyden_run: Runner,
    keywords: dict[str, Any],
) -> None:
    import leyden

    logger = MLFlowLogger("ours", tracking_uri=None, save_dir=save_dir, prefix="p")
    module = module_class(leyden)(layers={"a": {"b": [1]}})
    leyden_run(module=module, data=data_class(leyden)(), logger=logger, **keywords).ok()
    theirs = under_lightning(f"sqlite:///{save_dir}/mlflow.db", tmp_path, monkeypatch, **keywords)
    assert content(logger) == theirs
    assert set(theirs["metrics"]) >= {"p-train/loss_step", "p-val_loss_epoch", "p-epoch"}


def test_the_arguments_are_those_of_lightning() -> None:
    theirs = importlib.import_module("pytorch_lightning.loggers").MLFlowLogger
    wanted = {name: one.default for name, one in inspect.signature(theirs).parameters.items()}
    given = {name: one.default for name, one in inspect.signature(MLFlowLogger).parameters.items()}
    assert list(given)[: len(wanted)] == list(wanted)
    assert {name: given[name] for name in wanted if name != "tracking_uri"} == {
        name: one for name, one in wanted.items() if name != "tracking_uri"
    }
