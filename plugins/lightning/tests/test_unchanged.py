"""What programs find unchanged: hyper-parameters, folders, loaders without data, advice, names of Lightning 1.x."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

pytestmark = pytest.mark.usefixtures("installed")


def made(off: dict[str, Any], **keywords: Any) -> Any:
    from lightning.pytorch import Trainer

    return Trainer(**{**off, "max_epochs": 1, "limit_train_batches": 2, "limit_val_batches": 1, **keywords})


def boring() -> Any:
    from lightning.pytorch.demos.boring_classes import BoringModel

    return BoringModel


def data(samples: int = 4) -> DataLoader[Any]:
    return DataLoader(torch.ones(samples, 32))  # type: ignore[arg-type]


def test_omegaconf_stays_omegaconf_in_hparams_and_in_files(off: dict[str, Any], tmp_path: Path) -> None:
    omegaconf = pytest.importorskip("omegaconf")

    class Configured(boring()):  # type: ignore[misc]
        def __init__(self, hparams: Any) -> None:
            super().__init__()
            self.save_hyperparameters(hparams)

    module = Configured(omegaconf.OmegaConf.create({"width": 14, "nested": [1.5, {"a": 1}]}))
    trainer = made(off)
    trainer.fit(module)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    again = Configured.load_from_checkpoint(tmp_path / "one.ckpt", weights_only=False, width=3)
    for one, width in ((module, 14), (again, 3)):
        assert isinstance(one.hparams, omegaconf.DictConfig)
        assert (one.hparams.width, one.hparams.nested[1].a) == (width, 1)
    assert module.hparams_initial == module.hparams is not module.hparams_initial


def test_fields_that_are_no_arguments_are_no_hyper_parameters() -> None:
    @dataclass
    class Described(boring()):  # type: ignore[misc]
        width: int
        own: int = field(default=9, init=False)

        def __post_init__(self) -> None:
            super().__init__()
            self.save_hyperparameters()

    assert Described(3).hparams == {"width": 3}


def test_clashing_hyper_parameters_are_a_runtime_error_too(off: dict[str, Any], tmp_path: Path) -> None:
    from lightning.pytorch.demos.boring_classes import BoringDataModule
    from lightning.pytorch.loggers import CSVLogger

    def kind(base: Any) -> Any:
        class Own(base):  # type: ignore[misc]
            def __init__(self, width: int) -> None:
                super().__init__()
                self.save_hyperparameters()

        return Own

    trainer = made(off, logger=CSVLogger(tmp_path))
    with pytest.raises(RuntimeError, match=r"Error while merging hparams: the keys \['width'\]"):
        trainer.fit(kind(boring())(1), datamodule=kind(BoringDataModule)(2))


def test_what_cannot_be_pickled_leaves_the_hyper_parameters(off: dict[str, Any], tmp_path: Path) -> None:
    from lightning.pytorch.loggers import CSVLogger

    class Own(boring()):  # type: ignore[misc]
        def __init__(self, function: Any, width: int = 1) -> None:
            super().__init__()
            self.save_hyperparameters()

    module = Own(lambda: None)
    with pytest.warns(
        UserWarning, match="Attribute 'function' removed from hparams because it cannot be pickled"
    ):
        made(off, logger=CSVLogger(tmp_path), log_every_n_steps=1).fit(module)
    assert module.hparams == {"width": 1}


def test_a_missing_file_of_hyper_parameters_gives_none(off: dict[str, Any], tmp_path: Path) -> None:
    trainer = made(off)
    trainer.fit(boring()())
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    with pytest.warns(UserWarning, match="Missing Tags"):
        boring().load_from_checkpoint(tmp_path / "one.ckpt", hparams_file=tmp_path / "none.yaml")


def test_checkpoint_folders(off: dict[str, Any], tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import ModelCheckpoint

    (tmp_path / "old").write_text("")
    kept = ModelCheckpoint(dirpath=tmp_path)
    with pytest.warns(UserWarning, match="Checkpoint directory .* exists and is not empty"):
        made(off, callbacks=kept, enable_checkpointing=True).fit(boring()())
    other = ModelCheckpoint(dirpath=tmp_path / "other")
    with pytest.warns(UserWarning, match="The dirpath has changed from"):
        other.load_state_dict(kept.state_dict())
    assert other.best_model_path == kept.best_model_path and other.last_model_path == ""


def test_loaders_without_data_are_passed_over(off: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match="Total length of `DataLoader` across ranks is zero"):
        trainer = made(off)
        trainer.fit(boring()(), data(), data(0))
    assert (trainer.num_val_batches, trainer.global_step) == ([0], 2)
    with pytest.warns(UserWarning, match="Total length of `CombinedLoader` across ranks is zero"):
        trainer = made(off)
        trainer.fit(boring()(), data(0))
    assert (trainer.num_training_batches, trainer.global_step) == (0, 0)


def test_data_that_ends_at_once_still_ends_epochs(off: dict[str, Any]) -> None:
    class Nothing(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter(())

    trainer = made(off, max_epochs=2, limit_val_batches=0)
    with pytest.warns(UserWarning, match="is zero"):
        trainer.fit(boring()(), DataLoader(Nothing()))
    assert (trainer.current_epoch, trainer.global_step) == (2, 0)


@pytest.mark.parametrize("both", [False, True])
def test_transfer_hooks_beside_a_data_module(off: dict[str, Any], both: bool) -> None:
    from lightning.pytorch.demos.boring_classes import BoringDataModule

    module, source = boring()(), BoringDataModule()
    for one in (module, source)[: 1 + both]:
        one.on_after_batch_transfer = lambda batch, dataloader_idx: batch
    where = "in both" if both else "in `LightningModule` but"
    with pytest.warns(UserWarning, match=f"have overridden `on_after_batch_transfer` {where}"):
        made(off).fit(module, datamodule=source)


def test_few_workers_are_too_few_where_there_are_cpus(
    off: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = import_module("lightning.pytorch.trainer.connectors.data_connector")
    monkeypatch.setattr(connector, "suggested_max_num_workers", lambda processes: 3)
    with pytest.warns(UserWarning, match="The 'train_dataloader' does not have many workers"):
        made(off, limit_val_batches=0).fit(boring()())


def test_the_limit_that_ended_a_fit_is_said_once(
    off: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("leyden"), "propagate", True)
    with caplog.at_level(logging.INFO, logger="leyden"):
        made(off, max_steps=1).fit(boring()())
    assert caplog.text.count("`Trainer.fit` stopped: `max_steps=1` reached.") == 1


def test_a_data_module_prints_its_sizes() -> None:
    from lightning.pytorch import LightningDataModule

    class Own(LightningDataModule):  # type: ignore[misc]
        def train_dataloader(self) -> Any:
            return data(5)

        def val_dataloader(self) -> Any:
            return [data(2), data(3)]

        def test_dataloader(self) -> Any:
            raise RuntimeError("not set up")

    assert str(Own()).splitlines() == [
        "{Train dataloader: size=5}",
        "{Validation dataloader: 1. size=2 ; 2. size=3}",
        "{Test dataloader: None}",
        "{Predict dataloader: None}",
    ]


def test_a_tqdm_bar_is_drawn_as_often_as_it_is_told(
    off: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tqdm_progress = pytest.importorskip("leyden_callback_progress_tqdm")
    seen: list[int] = []
    monkeypatch.setattr(tqdm_progress.TQDMProgressBar, "draw", lambda self, stage, n: seen.append(n))
    from lightning.pytorch.callbacks import TQDMProgressBar

    bar = TQDMProgressBar(refresh_rate=2)
    made(off, callbacks=bar, enable_progress_bar=True, limit_train_batches=5, limit_val_batches=0).fit(
        boring()()
    )
    assert seen[:3] == [2, 4, 5]


def test_the_checkpoint_connector_restores_everything(off: dict[str, Any], tmp_path: Path) -> None:
    trainer = made(off)
    trainer.fit(boring()())
    path = str(tmp_path / "one.ckpt")
    trainer.save_checkpoint(path)
    weights = trainer.lightning_module.layer.weight.detach().clone()
    torch.nn.init.zeros_(trainer.lightning_module.layer.weight)
    connector = trainer._checkpoint_connector
    assert (
        connector._parse_ckpt_path(trainer.state.fn, path, model_provided=True, model_connected=True) == path
    )
    connector.restore(path)
    assert torch.equal(trainer.lightning_module.layer.weight, weights)


def test_names_of_the_first_generation() -> None:
    page: Callable[[str], Any] = partial(import_module, package="pytorch_lightning")
    pl = page("pytorch_lightning")
    labels = torch.tensor([0, 1]), torch.tensor([1, 1])
    assert page(".metrics").Accuracy()(*labels) == pl.metrics.Accuracy()(*labels) == 0.5
    assert page(".metrics.functional").accuracy(*labels) == 0.5
    assert page(".callbacks.progress").ProgressBarBase is pl.callbacks.ProgressBar
    assert page(".profiler").SimpleProfiler is pl.profilers.SimpleProfiler
    assert page(".plugins").DDPPlugin.__name__ == "DDPStrategy"
    with pytest.raises(AttributeError, match=r"log with self\.log"):
        _ = pl.TrainResult
