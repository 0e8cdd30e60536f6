from __future__ import annotations

import argparse
import copy
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden.errors import CheckpointError
from leyden.testing import TinyData, TinyModule
from leyden.utilities import LeydenWarning
from leyden_checkpoint_migration import LightningMigration
from leyden_checkpoint_migration.loops import _unknown
from leyden_checkpoint_migration.version import release

KEY = (
    "ModelCheckpoint{'monitor': None, 'mode': 'min', 'every_n_train_steps': 0, 'every_n_epochs': 1, "
    "'train_time_interval': None%s}"
)
OLD = KEY % ", 'save_on_train_epoch_end': None"


def loops_of_1_6(step: int, epoch: int) -> dict[str, Any]:
    fit = _unknown()
    fit["epoch_loop.batch_loop.optimizer_loop.optim_progress"]["optimizer"]["step"]["total"].update(
        completed=step
    )
    fit["epoch_progress"]["current"].update(ready=epoch, started=epoch, processed=epoch, completed=epoch)
    fit["epoch_loop.batch_loop.state_dict"] = {"mine": 1}
    evaluation = {
        "state_dict": {},
        "dataloader_progress": {
            "total": {"ready": 1, "completed": 1},
            "current": {"ready": 1, "completed": 1},
        },
        "epoch_loop.state_dict": {},
        "epoch_loop.batch_progress": fit["epoch_loop.batch_progress"],
    }
    return {"fit_loop": fit, "validate_loop": evaluation, "predict_loop": copy.deepcopy(evaluation)}


def files() -> dict[str, dict[str, Any]]:
    """Contents as releases of Lightning wrote them, made from their formats' descriptions."""
    weights = {"layer.weight": torch.zeros(1, 4), "layer.bias": torch.zeros(1)}
    base: dict[str, Any] = {"epoch": 1, "global_step": 2, "state_dict": weights}
    optimizer = torch.optim.SGD(TinyModule().parameters(), 0.1).state_dict()
    training = {**base, "optimizer_states": [optimizer], "lr_schedulers": []}
    keys = {"early_stop_callback_wait": 2, "early_stop_callback_patience": 3, "checkpoint_callback_best": 0.5}
    apex = {"amp_scaling_state": {"loss_scaler0": {}}}
    return {
        "0.9.0": {
            **training,
            **keys,
            "pytorch-lightning_version": "0.9.0",
            "hparams": {"learning_rate": 0.2},
        },
        "1.2.0": {**training, "callbacks": {}, "pytorch-lightning_version": "1.2.0"},
        "1.5.0": {
            **training,
            "callbacks": {OLD: {"a": 1}},
            "pytorch-lightning_version": "1.5.0",
            "loops": {},
        },
        "1.6.0": {**training, "loops": loops_of_1_6(2, 1), "pytorch-lightning_version": "1.6.0"},
        "1.8.6": {
            **training,
            **apex,
            "callbacks": {OLD: {"a": 1}, "Other": {}},
            "loops": loops_of_1_6(2, 1),
            "pytorch-lightning_version": "1.8.6",
        },
    }


CASES = list(files())


@pytest.mark.filterwarnings(r"ignore:\[migration-(apex|early-stopping)\]")
@pytest.mark.parametrize("version", CASES)
def test_it_is_what_lightning_makes_of_it(version: str) -> None:
    migrate = pytest.importorskip("pytorch_lightning.utilities.migration.utils").migrate_checkpoint
    content = files()[version]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's: on Apex, and on keys that are classes
        wanted, _ = migrate(copy.deepcopy(content))
    kept = copy.deepcopy(content)
    found = LightningMigration().migrate(content, "old.ckpt")
    names = {
        getattr(key, "__qualname__", key): value for key, value in (wanted.get("callbacks") or {}).items()
    }
    names.pop("EarlyStopping", None)  # of which Lightning can load no such state
    if release(version) < (1, 6, 0):  # here Lightning's x-axis begins with 0
        wanted["loops"]["fit_loop"]["epoch_loop.state_dict"]["_batches_that_stepped"] = content["global_step"]
    assert (found.get("callbacks") or {}) == names
    assert found["loops"] == wanted["loops"]
    assert set(found) == set(wanted)
    assert found["legacy_pytorch-lightning_version"] == wanted["legacy_pytorch-lightning_version"]
    assert content.keys() == kept.keys() and content.get("loops") == kept.get("loops"), (
        "the content was changed"
    )


@pytest.mark.filterwarnings(r"ignore:\[(migration-.*|callback-states|plugin-set)\]")
@pytest.mark.parametrize("version", CASES)
def test_a_fit_goes_on_from_it(version: str, tmp_path: Path) -> None:
    torch.save(files()[version], tmp_path / "old.ckpt")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = leyden.Trainer(max_epochs=3, enable_checkpointing=False, **quiet)
    trainer.fit(TinyModule(), datamodule=TinyData(), ckpt_path=tmp_path / "old.ckpt")
    assert (trainer.global_step, trainer.current_epoch) == (6, 3)
    assert TinyModule.load_from_checkpoint(tmp_path / "old.ckpt").learning_rate == (
        0.2 if version == "0.9.0" else 0.1
    )


def test_early_stopping_of_0_9_begins_anew() -> None:
    with pytest.warns(LeydenWarning, match=r"\[migration-early-stopping\]"):
        found = LightningMigration().migrate(files()["0.9.0"], "")
    assert found["callbacks"] == {"ModelCheckpoint": {"best_model_score": 0.5}}
    assert not any(key.startswith("early_stop") for key in found)


@pytest.fixture
def lightning() -> Iterator[types.ModuleType]:
    """Modules that pickle as Lightning's of old, gone when the file is read."""
    names = ["pytorch_lightning", "pytorch_lightning.utilities", "pytorch_lightning.utilities.parsing"]
    names += ["pytorch_lightning.callbacks", "pytorch_lightning.callbacks.early_stopping"]
    kept = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules[names[1]].parsing = sys.modules[names[2]]  # type: ignore[attr-defined]
    yield sys.modules[names[2]]
    for name, module in kept.items():
        sys.modules.pop(name)
        if module is not None:
            sys.modules[name] = module


def test_classes_of_lightning_are_read_as_data(tmp_path: Path, lightning: types.ModuleType) -> None:
    attributes = type("AttributeDict", (dict,), {"__module__": "pytorch_lightning.utilities.parsing"})
    stopping = type("EarlyStopping", (), {"__module__": "pytorch_lightning.callbacks.early_stopping"})
    lightning.AttributeDict = attributes  # type: ignore[attr-defined]
    sys.modules["pytorch_lightning.callbacks.early_stopping"].EarlyStopping = stopping  # type: ignore[attr-defined]
    content = {
        **files()["1.2.0"],
        "callbacks": {stopping: {"wait_count": 1}},
        "hyper_parameters": attributes(learning_rate=0.3),
        "hparams_name": "kwargs",
        "datamodule_hyper_parameters": argparse.Namespace(a=1),
    }
    torch.save(content, tmp_path / "old.ckpt")
    del lightning.AttributeDict  # type: ignore[attr-defined]
    from leyden.api.loading import read

    found = read(tmp_path / "old.ckpt", None, None)
    assert found["callbacks"] == {"EarlyStopping": {"wait_count": 1}}
    assert type(found["hyper_parameters"]) is dict
    assert TinyModule.load_from_checkpoint(tmp_path / "old.ckpt").learning_rate == 0.3


class Foreign:
    pass


def test_everything_else_is_refused_all_the_same(tmp_path: Path) -> None:
    torch.save({**files()["1.2.0"], "hyper_parameters": {"x": Foreign()}}, tmp_path / "old.ckpt")
    with pytest.raises(CheckpointError, match=r"checkpoint\['hyper_parameters'\]\['x'\] needs .*Foreign"):
        TinyModule.load_from_checkpoint(tmp_path / "old.ckpt")


def test_states_that_would_collide_stay_apart() -> None:
    states = {KEY % f", 'save_on_train_epoch_end': {one}": {} for one in (True, False)}
    content = {**files()["1.2.0"], "callbacks": states}
    with pytest.warns(LeydenWarning, match=r"\[migration-callbacks\]"):
        assert LightningMigration().migrate(content, "")["callbacks"] == states


def test_present_files_stay_as_they_are() -> None:
    for version in ("2.0.0", "2.6.6", "3.1"):
        content = {"pytorch-lightning_version": version, "callbacks": {OLD: {}}}
        assert LightningMigration().migrate(content, "") is content
    weights = {"state_dict": {}}
    assert LightningMigration().migrate(weights, "") is weights


def test_versions() -> None:
    texts = {"1.9.0rc1": (1, 9, 0), "2.1": (2, 1, 0), None: (0, 0, 0), "main": (0, 0, 0)}
    assert {text: release(text) for text in texts} == texts
