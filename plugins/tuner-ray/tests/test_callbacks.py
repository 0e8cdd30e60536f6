from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden.errors import ConfigurationError
from leyden.testing import TinyData, TinyModule
from leyden_tuner_ray import TuneReportCallback, TuneReportCheckpointCallback
from leyden_tuner_ray.callbacks import HOOKS


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Ray was told: metrics, and the keys of the checkpoint."""
    from ray import tune

    found: list[Any] = []

    def report(metrics: dict[str, float], checkpoint: Any = None) -> None:
        names = None
        if checkpoint is not None:
            with checkpoint.as_directory() as folder:
                (file,) = Path(folder).iterdir()
                names = (file.name, torch.load(file)["global_step"])
        found.append((metrics, names))

    monkeypatch.setattr(tune, "report", report)
    return found


def fit(callback: Any, tmp_path: Path) -> leyden.Trainer:
    trainer = leyden.Trainer(
        max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[callback], default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(TinyModule(), TinyData())
    return trainer


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (None, {"train_loss", "val_loss"}),
        ("val_loss", {"val_loss"}),
        (["val_loss", "train_loss"], {"train_loss", "val_loss"}),
        ({"loss": "val_loss"}, {"loss"}),
    ],
)
def test_forms_of_metrics(metrics: Any, names: set[str], told: list[Any], tmp_path: Path) -> None:
    fit(TuneReportCallback(metrics, on="train_epoch_end"), tmp_path)
    assert [set(one) for one, _ in told] == [names, names]
    assert all(type(value) is float for one, _ in told for value in one.values())


@pytest.mark.parametrize(
    ("on", "count"),
    [
        ("validation_end", 2), ("train_batch_end", 4), ("train_end", 1), ("fit_end", 1),
        (["validation_end", "train_epoch_end"], 4),
    ],
)  # fmt: skip
def test_any_hook(on: Any, count: int, told: list[Any], tmp_path: Path) -> None:
    fit(TuneReportCallback({"loss": "train_loss"} if on == "train_batch_end" else None, on=on), tmp_path)
    assert len(told) == count


def test_checkpoints_go_with_the_metrics(told: list[Any], tmp_path: Path) -> None:
    fit(TuneReportCheckpointCallback("val_loss", filename="a.ckpt"), tmp_path)
    assert [names for _, names in told] == [("a.ckpt", 2), ("a.ckpt", 4)]
    fit(TuneReportCheckpointCallback("val_loss", save_checkpoints=False), tmp_path)
    assert told[-1][1] is None


def test_a_metric_that_is_not_there_warns(told: list[Any], tmp_path: Path) -> None:
    with pytest.warns(leyden.utilities.LeydenWarning, match=r"\[tune-metric\].*'val_los'"):
        fit(TuneReportCallback(["val_los", "val_loss"]), tmp_path)
    assert [set(one) for one, _ in told] == [{"val_loss"}, {"val_loss"}]


def test_a_pickled_copy_listens_to_the_same_hooks(told: list[Any], tmp_path: Path) -> None:
    fit(pickle.loads(pickle.dumps(TuneReportCallback(on="train_end"))), tmp_path)
    assert len(told) == 1


def test_the_hooks_are_those_of_the_incumbent() -> None:
    lightning = pytest.importorskip("pytorch_lightning")
    theirs = {name[3:] for name in vars(lightning.Callback) if name.startswith("on_")}
    assert theirs <= set(HOOKS)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"on": "validation_ended"}, "Did you mean 'validation_end'"),
        ({"on": "on_validation_end"}, "Did you mean 'validation_end'"),
        ({"on": []}, "on="),
        ({"metrics": 3}, "metrics"),
        ({"filename": "a/b"}, "filename"),
        ({"save_checkpoints": 1}, "save_checkpoints"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        TuneReportCheckpointCallback(**arguments)
