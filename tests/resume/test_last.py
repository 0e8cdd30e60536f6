"""``ckpt_path="last"`` and ``"auto"`` find the newest checkpoint that is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import leyden
from leyden.callbacks import ModelCheckpoint
from leyden.errors import CheckpointError
from leyden.testing import TinyData, TinyModule
from leyden.utilities import LeydenWarning


def trainer(folder: Path, epochs: int, *callbacks: Any, **keywords: Any) -> leyden.Trainer:
    return leyden.Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"logger": False, **keywords},
    )


def fitted(made: leyden.Trainer, path: str | None = None) -> leyden.Trainer:
    made.fit(TinyModule(), datamodule=TinyData(), ckpt_path=path)
    return made


def damage(path: Path, kind: str) -> None:
    content = path.read_bytes()
    half = len(content) // 2
    if kind == "cut off":
        path.write_bytes(content[:half])
    else:
        path.write_bytes(content[:half] + bytes(64) + content[half + 64 :])


def keeping(folder: Path) -> ModelCheckpoint:
    return ModelCheckpoint(folder, save_top_k=-1, save_last=True, every_n_epochs=1)


def by_age(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*.ckpt"), key=lambda one: (one.stat().st_mtime, one.name == "last.ckpt"))
    for age, file in enumerate(files):
        os.utime(file, (1e9 + age, 1e9 + age))
    return files


@pytest.mark.parametrize("kind", ["cut off", "zeroed"])
@pytest.mark.parametrize("wanted", ["last", "auto"])
def test_a_damaged_file_is_named_and_the_one_before_is_taken(wanted: str, kind: str, tmp_path: Path) -> None:
    fitted(trainer(tmp_path, 2, keeping(tmp_path / "a")))
    files = by_age(tmp_path)
    damage(files[-1], kind)
    made = trainer(tmp_path, 3, keeping(tmp_path / "a"))
    with pytest.warns(LeydenWarning, match=rf"\[damaged-checkpoint\] .*{files[-1].name}"):
        fitted(made, wanted)
    assert made.ckpt_path == str(files[-2])
    assert made.global_step == 6


@pytest.mark.parametrize("wanted", ["last", "auto"])
def test_nothing_starts_anew_over_damaged_files(wanted: str, tmp_path: Path) -> None:
    fitted(trainer(tmp_path, 2, keeping(tmp_path / "a")))
    for file in by_age(tmp_path):
        damage(file, "zeroed")
    made = trainer(tmp_path, 3, keeping(tmp_path / "a"))
    said = pytest.warns(LeydenWarning, match=r"\[damaged-checkpoint\]")
    with said, pytest.raises(CheckpointError, match=r"All checkpoints are damaged: .*last\.ckpt"):
        fitted(made, wanted)


def test_a_file_that_is_named_and_damaged_is_refused(tmp_path: Path) -> None:
    fitted(trainer(tmp_path, 1, keeping(tmp_path)))
    path = tmp_path / "last.ckpt"
    damage(path, "zeroed")
    with pytest.raises(CheckpointError, match="last.ckpt"):
        fitted(trainer(tmp_path, 2), str(path))


@pytest.mark.parametrize("content", [b"", b"PK\3\4 and no more"])
def test_a_file_that_was_cut_off_is_not_called_missing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"cut\.ckpt' is damaged"):
        fitted(trainer(tmp_path, 2), str(tmp_path / "cut.ckpt"))


def test_auto_starts_when_there_is_nothing(tmp_path: Path) -> None:
    made = fitted(trainer(tmp_path, 1, keeping(tmp_path / "none")), "auto")
    assert (made.global_step, made.ckpt_path) == (2, None)


def test_auto_goes_on_in_the_next_version(tmp_path: Path) -> None:
    first = fitted(trainer(tmp_path, 1, logger=True), "auto")
    second = fitted(trainer(tmp_path, 2, logger=True), "auto")
    assert (first.global_step, second.global_step) == (2, 4)
    assert "version_0" in str(second.ckpt_path)
    third = fitted(trainer(tmp_path, 3, logger=True), "auto")
    assert "version_1" in str(third.ckpt_path)
    assert (third.global_step, third.current_epoch) == (6, 3)


def test_auto_does_not_take_files_without_optimizers(tmp_path: Path) -> None:
    weights = ModelCheckpoint(tmp_path / "weights", save_weights_only=True)
    fitted(trainer(tmp_path, 1, weights))
    made = fitted(trainer(tmp_path, 1, ModelCheckpoint(tmp_path / "weights", save_weights_only=True)), "auto")
    assert made.ckpt_path is None


def test_hidden_files_are_no_checkpoints(tmp_path: Path) -> None:
    fitted(trainer(tmp_path, 1, keeping(tmp_path)))
    (tmp_path / ".last.ckpt.0123456789abcdef.tmp").write_bytes(b"half")
    (tmp_path / ".other.ckpt").write_bytes(b"half")
    assert fitted(trainer(tmp_path, 2, keeping(tmp_path)), "auto").global_step == 4
