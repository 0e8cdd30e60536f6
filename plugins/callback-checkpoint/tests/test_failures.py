from __future__ import annotations

from typing import Any

import pytest

from leyden import Callback
from leyden.errors import CheckpointError, ConfigurationError
from leyden.interfaces import Precision

BEST: dict[str, Any] = {"monitor": "val_loss", "save_top_k": 2}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_is_followed_by_a_save(bench: Any, error: type[BaseException]) -> None:
    callback = bench.checkpoint(save_on_exception=True, save_last=True)
    try:
        bench.fit(callback, bench.fail_at(3, error), max_epochs=3)
    except RuntimeError:
        assert error is RuntimeError
    assert bench.files() == ["epoch=0-step=2.ckpt", "epoch=1-step=3.ckpt", "last.ckpt"]
    assert bench.read(bench.folder / "ckpts" / "epoch=1-step=3.ckpt")["global_step"] == 3
    assert bench.read(callback.last_model_path)["global_step"] == 3


@pytest.mark.parametrize("step", [0, 2])
def test_not_when_that_step_was_saved(bench: Any, step: int) -> None:
    with pytest.raises(InterruptedError):
        bench.fit(bench.checkpoint(save_on_exception=True), bench.fail_at(step), max_epochs=3)
    assert bench.files() == (["epoch=0-step=2.ckpt"] if step else [])


def test_not_outside_of_fits(bench: Any) -> None:
    callback = bench.checkpoint(save_on_exception=True)
    trainer = bench.fit(callback)
    module = bench.module(lambda step: 1 / 0)
    files = bench.files()
    with pytest.raises(ZeroDivisionError):
        trainer.validate(module, bench.loader(1), verbose=False)
    assert bench.files() == files


@pytest.mark.parametrize("arguments", [{}, {"monitor": "val_loss"}, {**BEST, "save_last": True}])
def test_a_full_disk_leaves_what_was_there(bench: Any, full: Any, arguments: dict[str, Any]) -> None:
    callback = bench.checkpoint(**arguments)
    with pytest.raises(CheckpointError, match="no space left"):
        bench.fit(callback, max_epochs=3, plugins=[Precision(), full(1)])
    assert bench.files() == ["epoch=0-step=2.ckpt"]
    assert callback.best_model_path == str(bench.folder / "ckpts" / "epoch=0-step=2.ckpt")
    assert callback.last_model_path == ""
    assert bench.records() == bench.files()
    assert set(callback.best_k_models) in (set(), {callback.best_model_path})


def test_a_name_whose_file_was_not_written_is_free_again(bench: Any, full: Any) -> None:
    with pytest.raises(CheckpointError):
        bench.fit(bench.checkpoint(), plugins=[Precision(), full(0)])
    bench.fit(bench.checkpoint())
    assert bench.files() == ["epoch=0-step=2.ckpt"]


def test_a_folder_that_cannot_be_written_to(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leyden_callback_checkpoint.folder.os.access", lambda *_: False)
    started: list[int] = []

    class Started(Callback):
        def on_train_start(self, trainer: Any, module: Any) -> None:
            started.append(1)

    with pytest.raises(ConfigurationError, match=r"dirpath=.*ckpts"):
        bench.fit(bench.checkpoint(), Started())
    assert started == []


def test_a_name_that_cannot_be_made(bench: Any) -> None:
    (bench.folder / "ckpts").mkdir()
    (bench.folder / "ckpts" / "sub").touch()
    with pytest.raises(CheckpointError, match=r"sub/epoch=0\.ckpt cannot be made"):
        bench.fit(bench.checkpoint(filename="sub/{epoch}"))
