from __future__ import annotations

from typing import Any

import pytest

from leyden.callbacks import Checkpoint
from leyden.errors import ConfigurationError
from leyden_callback_checkpoint import ModelCheckpoint


class Own(Checkpoint):
    pass


def kinds(trainer: Any) -> list[type]:
    return [type(one) for one in trainer.callbacks]


def test_a_checkpoint_callback_is_added(bench: Any) -> None:
    assert kinds(bench.trainer()) == [ModelCheckpoint]
    assert kinds(bench.trainer(enable_checkpointing=None)) == [ModelCheckpoint]
    assert kinds(bench.trainer(fast_dev_run=True)) == [ModelCheckpoint]


def test_not_beside_another_and_not_when_unwanted(bench: Any) -> None:
    assert kinds(bench.trainer(Own())) == [Own]
    assert kinds(bench.trainer(enable_checkpointing=False)) == []
    assert kinds(bench.trainer(barebones=True)) == []


@pytest.mark.parametrize("callback", [Own(), ModelCheckpoint()])
def test_no_without_a_callback_that_means_yes(bench: Any, callback: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"enable_checkpointing=False.*{type(callback).__name__}"):
        bench.trainer(callback, enable_checkpointing=False)


def test_the_default_keeps_the_latest(bench: Any) -> None:
    trainer = bench.fit(max_epochs=3)
    assert bench.files("checkpoints") == ["epoch=2-step=6.ckpt"]
    assert trainer.checkpoint_callback.best_model_path == str(
        bench.folder / "checkpoints" / "epoch=2-step=6.ckpt"
    )
    assert trainer.checkpoint_callback.last_model_path == ""
