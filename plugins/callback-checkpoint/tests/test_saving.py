from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch


def falling(step: int) -> float:
    return 1 / (1 + step)


def rising(step: int) -> float:
    return float(step)


def test_the_last_is_written_whether_or_not_it_is_among_the_best(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", save_last=True)
    bench.fit(callback, score=rising, max_epochs=3)
    assert bench.files() == ["epoch=0-step=2.ckpt", "last.ckpt"]
    assert bench.read(callback.last_model_path)["global_step"] == 6
    assert bench.read(callback.best_model_path)["global_step"] == 2


def test_the_last_without_any_other(bench: Any) -> None:
    callback = bench.checkpoint(save_top_k=0, save_last=True, every_n_train_steps=2)
    bench.fit(callback, batches=5)
    assert bench.files() == ["last.ckpt"]
    assert bench.read(callback.last_model_path)["global_step"] == 4


def test_a_last_at_the_end_when_nothing_else_was_due(bench: Any) -> None:
    callback = bench.checkpoint(save_last=True, every_n_epochs=5)
    bench.fit(callback, max_epochs=2)
    assert bench.files() == ["last.ckpt"]
    assert bench.read(callback.last_model_path)["global_step"] == 4


def test_nothing_is_written_while_trying(bench: Any) -> None:
    bench.fit(bench.checkpoint(save_last=True, save_on_exception=True), fast_dev_run=True)
    assert not (bench.folder / "ckpts").exists()


def test_a_link_takes_the_place_of_a_file(bench: Any) -> None:
    first = bench.checkpoint(save_last=True)
    bench.fit(first, max_epochs=1)
    second = bench.checkpoint(save_last="link")
    bench.fit(second, max_epochs=2, ckpt_path=first.last_model_path)
    assert bench.files() == ["epoch=1-step=4.ckpt", "last.ckpt -> epoch=1-step=4.ckpt"]
    assert bench.read(second.last_model_path)["global_step"] == 4


def test_where_there_are_no_links_the_file_is_copied(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("not permitted")

    monkeypatch.setattr("leyden_callback_checkpoint.folder.os.symlink", refuse)
    callback = bench.checkpoint(save_last="link")
    bench.fit(callback, max_epochs=2)
    assert bench.files() == ["epoch=1-step=4.ckpt", "last.ckpt"]
    assert bench.read(callback.last_model_path)["global_step"] == 4


def test_the_newest_last_is_found(bench: Any) -> None:
    for _ in range(2):
        bench.fit(bench.checkpoint(save_last=True), max_epochs=1)
    callback = bench.checkpoint(save_last=True)
    assert {Path(one).name for one in callback._find_last_checkpoints(bench.trainer(callback))} == {
        "last.ckpt",
        "last-v1.ckpt",
    }
    trainer = bench.fit(callback, max_epochs=2, ckpt_path="last")
    assert trainer.ckpt_path == str(bench.folder / "ckpts" / "last-v1.ckpt")
    assert callback.last_model_path == trainer.ckpt_path


def test_only_files_named_like_the_last_are(bench: Any) -> None:
    callback = bench.checkpoint(save_last=True)
    callback.CHECKPOINT_NAME_LAST = "{epoch}-end"
    folder = bench.folder / "ckpts"
    folder.mkdir()
    for name in (
        "epoch=3-end.ckpt",
        "epoch=4-end-v2.ckpt",
        "epoch=5.ckpt",
        "end.ckpt",
        "epoch=3-end.pt",
        "last.ckpt",
    ):
        (folder / name).touch()
    found = {Path(one).name for one in callback._find_last_checkpoints(bench.trainer(callback))}
    assert found == {"epoch=3-end.ckpt", "epoch=4-end-v2.ckpt"}


def test_time(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("leyden_callback_checkpoint.trigger.time.monotonic", lambda: float(next(now)))
    bench.fit(bench.checkpoint(train_time_interval=timedelta(seconds=3), save_top_k=-1), batches=8)
    assert bench.files() == ["epoch=0-step=3.ckpt", "epoch=0-step=6.ckpt"]


def test_steps_of_several_optimizers(bench: Any) -> None:
    base = type(bench.module(falling))

    class Two(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, batch_idx: int) -> None:
            for optimizer in self.optimizers():
                optimizer.zero_grad()
                self.manual_backward(self.layer(batch[0]).square().mean())
                optimizer.step()

        def configure_optimizers(self) -> Any:
            return [torch.optim.SGD(self.parameters(), lr=0.1) for _ in range(2)]

    bench.fit(bench.checkpoint(every_n_train_steps=4, save_top_k=-1), module=Two(), batches=5)
    assert bench.files() == ["epoch=0-step=4.ckpt", "epoch=0-step=8.ckpt"]


def test_the_same_step_is_saved_once(bench: Any) -> None:
    callback = bench.checkpoint(every_n_train_steps=1, save_top_k=-1)
    bench.fit(callback, batches=6, accumulate_grad_batches=3, val_check_interval=1)
    assert bench.files() == ["epoch=0-step=1.ckpt", "epoch=0-step=2.ckpt"]
