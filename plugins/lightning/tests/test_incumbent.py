"""Private names of Lightning's that packages read: they mean the same as in the real package."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden_lightning.demos.boring_classes import BoringModel


class Logged(BoringModel):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.step(batch)
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        self.log("val_loss", self.step(batch))


SEEN: dict[str, Callable[[Any, Any], Any]] = {
    "is_distributed": lambda trainer, module: trainer._accelerator_connector.is_distributed,
    "parallel devices": lambda trainer, module: len(trainer._accelerator_connector._parallel_devices or [0]),
    "batches that stepped": lambda trainer, module: trainer.fit_loop.epoch_loop._batches_that_stepped,
    "batch_idx": lambda trainer, module: trainer.fit_loop.epoch_loop.batch_idx,
    "total_batch_idx": lambda trainer, module: trainer.fit_loop.epoch_loop.total_batch_idx,
    "epochs ready": lambda trainer, module: trainer.fit_loop.epoch_progress.current.ready,
    "epochs completed": lambda trainer, module: trainer.fit_loop.epoch_progress.current.completed,
    "max_epochs": lambda trainer, module: trainer.fit_loop.max_epochs,
    "max_batches": lambda trainer, module: trainer.fit_loop.max_batches,
    "val_loop": lambda trainer, module: trainer.fit_loop.epoch_loop.val_loop.inference_mode in (True, False),
    "combined loader": lambda trainer, module: len(trainer.fit_loop._combined_loader.flattened),
    "lightning_module": lambda trainer, module: trainer.strategy.lightning_module is module,
    "strategy.model": lambda trainer, module: trainer.strategy.model is module,
    "precision_plugin": lambda trainer, module: trainer.strategy.precision_plugin is trainer.precision_plugin,
    "strategy optimizers": lambda trainer, module: len(trainer.strategy.optimizers),
    "strategy schedulers": lambda trainer, module: len(trainer.strategy.lr_scheduler_configs),
    "hook": lambda trainer, module: module._current_fx_name,
    "logged": lambda trainer, module: sorted(one.meta.name for one in trainer._results.result_metrics),
    "callback metrics": lambda trainer, module: sorted(trainer._logger_connector.callback_metrics),
    "received_sigterm": lambda trainer, module: False,
}


def seen(package: str, off: dict[str, Any]) -> dict[str, list[Any]]:
    """What a callback reads at each end of a training batch."""
    api = import_module(package)
    found: dict[str, list[Any]] = {name: [] for name in SEEN}

    class Reads(api.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
            for name, read in SEEN.items():
                found[name].append(read(trainer, pl_module))

    methods = {name: vars(Logged)[name] for name in ("training_step", "validation_step")}
    boring = (
        import_module(f"{package}.demos.boring_classes").BoringModel if package != "leyden" else BoringModel
    )
    model = type("Logged", (boring,), methods)()
    api.Trainer(max_epochs=2, limit_train_batches=3, limit_val_batches=1, callbacks=[Reads()], **off).fit(
        model
    )
    return found


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_they_say_what_they_say_in_the_real_package(installed: None, off: dict[str, Any]) -> None:
    import pytorch_lightning  # noqa: F401

    import leyden_lightning

    ours = seen("leyden", off)
    leyden_lightning.uninstall()
    pytest.importorskip("pytorch_lightning")
    theirs = seen("pytorch_lightning", off)
    leyden_lightning.install()
    assert ours == theirs


def test_dump_and_restore_through_the_checkpoint_connector(
    installed: None, off: dict[str, Any], tmp_path: Path
) -> None:
    trainer, model = (
        leyden.Trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=0, **off),
        BoringModel(),
    )
    import pytorch_lightning  # noqa: F401

    trainer.fit(model)
    connector: Any = trainer._accelerator_connector  # type: ignore[attr-defined]
    assert connector is trainer._accelerator_connector  # type: ignore[attr-defined]
    checkpoints: Any = trainer._checkpoint_connector  # type: ignore[attr-defined]
    dumped = checkpoints.dump_checkpoint()
    assert dumped["epoch"] == 1 and "state_dict" in dumped
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    with torch.no_grad():
        model.layer.weight.zero_()
    checkpoints.resume_start(tmp_path / "a.ckpt")
    checkpoints.restore_datamodule()
    checkpoints.restore_model()
    checkpoints.resume_end()
    assert model.layer.weight.abs().sum() > 0 and checkpoints._loaded_checkpoint == {}


def test_a_module_that_was_only_connected_can_be_saved(
    installed: None, off: dict[str, Any], tmp_path: Path
) -> None:
    import pytorch_lightning as pl

    trainer, model = pl.Trainer(max_epochs=1, **off), BoringModel()
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    again = BoringModel.load_from_checkpoint(tmp_path / "a.ckpt")
    assert torch.equal(again.layer.weight, model.layer.weight)


def test_an_accelerator_connector_of_its_own(installed: None) -> None:
    from pytorch_lightning.trainer.connectors.accelerator_connector import _AcceleratorConnector

    made = _AcceleratorConnector(accelerator="cpu", devices=1)
    assert (made._accelerator_flag, made._devices_flag) == ("cpu", 1)
    assert made._choose_auto_accelerator() in ("cpu", "cuda", "mps", "xla")


def test_hyper_parameters_stay_objects_in_files(installed: None, off: dict[str, Any], tmp_path: Path) -> None:
    import pytorch_lightning as pl

    class Model(BoringModel):
        def __init__(self, loss: type = dict, width: int = 2) -> None:
            super().__init__()
            self.save_hyperparameters()

    trainer = pl.Trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=0, **off)
    trainer.fit(Model(set))
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    read = torch.load(tmp_path / "a.ckpt", weights_only=False)
    assert read["hyper_parameters"] == {"loss": set, "width": 2}
    assert Model.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=False).hparams.loss is set


@pytest.mark.filterwarnings("ignore:.log-interval")
def test_log_metrics_through_the_logger_connector(installed: None, off: dict[str, Any]) -> None:
    import pytorch_lightning as pl

    written = []

    class Keeps(pl.loggers.Logger):  # type: ignore[misc, name-defined]
        name, version = "keeps", 0

        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            written.append((metrics, step))

        def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
            pass

    class Writes(pl.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            trainer._logger_connector.log_metrics({"mine": torch.tensor(2.0)}, step=7)

    keywords = {**off, "logger": Keeps()}
    pl.Trainer(
        max_epochs=1, limit_train_batches=1, limit_val_batches=0, callbacks=[Writes()], **keywords
    ).fit(BoringModel())
    assert ({"mine": 2.0, "epoch": 0}, 7) in written


def test_ckpt_path_is_sticky(off: dict[str, Any], tmp_path: Path) -> None:
    trainer = leyden.Trainer(max_epochs=1, limit_train_batches=2, limit_val_batches=0, **off)
    trainer.fit(BoringModel())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    again = leyden.Trainer(max_epochs=2, limit_train_batches=2, limit_val_batches=0, **off)
    again.ckpt_path = str(tmp_path / "a.ckpt")
    again.fit(BoringModel())
    assert (again.current_epoch, again.global_step) == (2, 4)


def test_optimizers_can_be_replaced_during_a_fit(off: dict[str, Any]) -> None:
    class Replaces(leyden.Callback):
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            trainer.optimizers = [torch.optim.SGD(pl_module.parameters(), lr=0.0)]

    class Plain(BoringModel):
        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    model = Plain()
    before = model.layer.weight.clone()
    trainer = leyden.Trainer(
        max_epochs=1, limit_train_batches=2, limit_val_batches=0, callbacks=[Replaces()], **off
    )
    trainer.fit(model)
    assert torch.equal(model.layer.weight, before) and model.optimizers().optimizer is trainer.optimizers[0]


def test_optuna_prunes(installed: None, off: dict[str, Any]) -> None:
    optuna: Any = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration.pytorch_lightning.pytorch_lightning")
    import sys

    for name in [one for one in sys.modules if one.startswith("optuna_integration.pytorch_lightning")]:
        del sys.modules[name]  # it may have been imported beside the real package
    integration = import_module("optuna_integration.pytorch_lightning.pytorch_lightning")
    assert issubclass(integration.PyTorchLightningPruningCallback, leyden.Callback)

    class Model(BoringModel):
        def __init__(self, loss: float) -> None:
            super().__init__()
            self.bad = loss

        def validation_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("val_loss", torch.tensor(self.bad))

    def objective(trial: Any) -> float:
        pruning = integration.PyTorchLightningPruningCallback(trial, "val_loss")
        trainer = leyden.Trainer(
            max_epochs=3, limit_train_batches=1, limit_val_batches=1, callbacks=[pruning], **off
        )
        trainer.fit(Model(float(trial.number)))
        return float(trainer.callback_metrics["val_loss"])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
    study.optimize(objective, n_trials=2)
    assert [one.state.name for one in study.trials] == ["COMPLETE", "PRUNED"]
    assert study.trials[0].intermediate_values == {0: 0.0, 1: 0.0, 2: 0.0}


def test_a_method_that_only_bears_an_old_name_is_not_called(off: dict[str, Any]) -> None:
    class Model(BoringModel):
        def on_epoch_end(self, outputs: Any) -> None:
            raise AssertionError("called by the program alone")

    leyden.Trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=0, **off).fit(Model())
