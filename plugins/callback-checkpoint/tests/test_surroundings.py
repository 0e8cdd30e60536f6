from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from leyden import Logger
from leyden.errors import ConfigurationError
from leyden.interfaces import CheckpointIO, Precision
from leyden_callback_checkpoint import ModelCheckpoint

BEST: dict[str, Any] = {"monitor": "val_loss", "save_top_k": 2}


def falling(step: int) -> float:
    return 1 / (1 + step)


def rising(step: int) -> float:
    return float(step)


class Folder(Logger):
    def __init__(self, save_dir: Path | None, version: int | str) -> None:
        self._save_dir, self._version = save_dir, version
        self.seen: list[str] = []

    @property
    def name(self) -> str:
        return "runs"

    @property
    def version(self) -> int | str:
        return self._version

    @property
    def save_dir(self) -> str | None:
        return None if self._save_dir is None else str(self._save_dir)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        pass

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        pass

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        self.seen.append(os.path.basename(checkpoint_callback.best_model_path))


@pytest.mark.parametrize(("version", "folder"), [(3, "version_3"), ("mine", "mine")])
def test_the_folder_of_the_first_logger(bench: Any, version: Any, folder: str) -> None:
    bench.fit(ModelCheckpoint(), logger=[Folder(bench.folder / "logs", version), Folder(None, 1)])
    assert bench.files(f"logs/runs/{folder}/checkpoints") == ["epoch=0-step=2.ckpt"]


def test_the_root_when_the_logger_has_no_folder(bench: Any) -> None:
    bench.fit(ModelCheckpoint(), logger=Folder(None, 1))
    assert bench.files("runs/version_1/checkpoints") == ["epoch=0-step=2.ckpt"]


def test_loggers_hear_of_each_save(bench: Any) -> None:
    logger = Folder(bench.folder, 0)
    bench.fit(bench.checkpoint(save_last=True), logger=logger, max_epochs=2)
    assert logger.seen == ["epoch=0-step=2.ckpt"] * 2 + ["epoch=1-step=4.ckpt"] * 2


def test_what_it_says(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="leyden")
    bench.fit(bench.checkpoint(monitor="val_loss", verbose=True), max_epochs=2, score=rising)
    said = [one for one in caplog.messages if "val_loss" in one]
    assert said == [
        f"Epoch 0, step 2: val_loss 2 is among the best 1; saved {bench.folder}/ckpts/epoch=0-step=2.ckpt.",
        "Epoch 1, step 4: val_loss 4 is not among the best 1; not saved.",
    ]


def test_weights_alone(bench: Any) -> None:
    callback = bench.checkpoint(save_weights_only=True)
    bench.fit(callback)
    found = bench.read(callback.best_model_path)
    assert "state_dict" in found
    assert not {"optimizer_states", "callbacks", "leyden"} & set(found)


def test_the_state_in_a_file_knows_the_file(bench: Any) -> None:
    callback = bench.checkpoint(**BEST, save_last=True)
    bench.fit(callback, max_epochs=2, score=falling)
    for path in callback.best_k_models:
        state = bench.read(path)["callbacks"][callback.state_key]
        assert state["best_model_path"] == path
        assert path in state["best_k_models"]
    last = bench.read(callback.last_model_path)["callbacks"][callback.state_key]
    assert last["last_model_path"] == callback.last_model_path


class Memory(CheckpointIO):
    """Storage that is no file system."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        self.held[str(path)] = checkpoint

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool = True) -> Any:
        return self.held[str(path)]

    def remove_checkpoint(self, path: Any) -> None:
        self.held.pop(str(path), None)

    def exists(self, path: Any) -> bool:
        return str(path) in self.held


def test_remote_storage(bench: Any) -> None:
    memory = Memory()
    for _ in range(2):
        callback = ModelCheckpoint("memory://box", **BEST, save_last=True)
        bench.fit(callback, max_epochs=3, score=falling, plugins=[Precision(), memory])
    names = ("epoch=1-step=4", "epoch=2-step=6", "last")
    wanted = {f"memory://box/{name}{version}.ckpt" for name in names for version in ("", "-v1")}
    assert set(memory.held) == wanted
    again = ModelCheckpoint("memory://box", **BEST, save_last=True)
    bench.fit(
        again, max_epochs=4, score=falling, plugins=[Precision(), memory], ckpt_path=callback.last_model_path
    )
    assert again.last_model_path == "memory://box/last-v1.ckpt"
    assert "memory://box/epoch=3-step=8.ckpt" in memory.held and len(memory.held) == 6
    assert list(bench.folder.iterdir()) == []


def test_no_links_where_the_root_is_remote(bench: Any) -> None:
    callback = ModelCheckpoint(save_last="link")
    with pytest.raises(ConfigurationError, match=r"save_last='link'.*memory://root/checkpoints"):
        trainer = bench.trainer(callback)
        trainer.default_root_dir = "memory://root"
        trainer.fit(bench.module(falling), bench.loader(1), bench.loader(1))


def test_scores_need_a_local_file(bench: Any) -> None:
    with pytest.raises(ConfigurationError, match="filepath='s3://"):
        ModelCheckpoint("s3://bucket").to_yaml()


def test_a_folder_set_later(bench: Any) -> None:
    callback = bench.checkpoint("first")
    bench.fit(callback)
    callback.dirpath = str(bench.folder / "second")
    bench.fit(callback)
    assert bench.files("second") == ["epoch=0-step=2.ckpt"]
    assert bench.files("first") == ["epoch=0-step=2.ckpt"]
