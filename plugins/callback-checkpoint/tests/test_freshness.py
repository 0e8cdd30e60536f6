"""No monitored checkpoint is saved with a metric of another moment."""

from __future__ import annotations

from typing import Any

import pytest

from leyden import Callback
from leyden.errors import UserCodeError


def score(step: int) -> float:
    return float(step)


def saved(callback: Any, bench: Any) -> dict[str, float]:
    """The kept files with their scores."""
    return {path.rpartition("/")[2]: value for path, value in bench.plain(callback.best_k_models).items()}


def assert_of_their_moment(callback: Any, bench: Any) -> list[int]:
    """Each score, which is the step at which it was computed, is that of its file; returns the steps."""
    found = saved(callback, bench)
    steps = {name: int(name.partition("step=")[2].removesuffix(".ckpt")) for name in found}
    assert {name: int(value) for name, value in found.items()} == steps
    return sorted(steps.values())


def test_step_saves_wait_for_validation(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", every_n_train_steps=2, save_top_k=-1)
    bench.fit(callback, score=score, batches=5, max_epochs=3)
    assert assert_of_their_moment(callback, bench) == [5, 10, 15]


def test_validation_inside_the_epoch(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", every_n_train_steps=1, save_top_k=-1)
    bench.fit(callback, score=score, batches=7, max_epochs=2, val_check_interval=3)
    assert assert_of_their_moment(callback, bench) == [3, 6, 10, 13]


def test_the_next_batch_does_not_take_an_old_value_for_new(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", every_n_train_steps=3, save_top_k=-1)
    bench.fit(callback, score=score, batches=4, max_epochs=3, val_check_interval=2)
    assert assert_of_their_moment(callback, bench) == [4, 6, 10, 12]


def test_training_epochs_that_end_after_validation(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", save_on_train_epoch_end=True, save_top_k=-1)
    bench.fit(callback, score=score, batches=5, max_epochs=2, val_check_interval=2)
    assert assert_of_their_moment(callback, bench) == [7]


def test_epochs_without_validation(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", save_on_train_epoch_end=True, save_top_k=-1)
    bench.fit(callback, score=score, max_epochs=4, check_val_every_n_epoch=2)
    assert assert_of_their_moment(callback, bench) == [4, 8]


def test_a_training_metric_is_there_at_once(bench: Any) -> None:
    callback = bench.checkpoint(monitor="train_loss", every_n_train_steps=2, save_top_k=-1)
    bench.fit(callback, score=score, batches=4)
    assert list(saved(callback, bench).values()) == [1.0, 3.0]


def test_an_epochs_metric_counts_at_its_end_whichever_batch_logged_it(bench: Any) -> None:
    callback = bench.checkpoint(monitor="epoch_loss", save_top_k=-1, save_on_train_epoch_end=True)
    bench.fit(callback, score=score, batches=4, max_epochs=2)
    assert saved(callback, bench) == {"epoch=0-step=4.ckpt": 0.0, "epoch=1-step=8.ckpt": 4.0}


def test_a_step_save_waits_for_the_epochs_metric(bench: Any) -> None:
    callback = bench.checkpoint(monitor="epoch_loss", save_top_k=-1, every_n_train_steps=3)
    bench.fit(callback, score=score, batches=4, max_epochs=2, validates=False)
    assert sorted(saved(callback, bench)) == ["epoch=0-step=4.ckpt", "epoch=1-step=8.ckpt"]


def test_the_last_checkpoint_does_not_wait(bench: Any) -> None:
    seen: dict[int, list[str]] = {}

    class Look(Callback):
        leyden_order = 2

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            seen[trainer.global_step] = bench.files()

    callback = bench.checkpoint(monitor="val_loss", every_n_train_steps=2, save_last=True)
    bench.fit(callback, Look(), score=score, batches=6)
    assert seen[1] == [] and seen[2] == ["last.ckpt"]
    assert seen[5] == ["last.ckpt"]
    assert bench.files() == ["epoch=0-step=6.ckpt", "last.ckpt"]


def test_where_validation_follows_at_once_the_last_is_written_once(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", every_n_train_steps=2, save_last=True)
    written = bench.saves(callback)
    bench.fit(callback, score=score, batches=4, val_check_interval=2)
    assert written == ["epoch=0-step=2.ckpt", "last.ckpt", "last.ckpt"]


def test_a_save_that_waits_is_made_though_the_last_was_written_at_that_step(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_loss", every_n_train_steps=1, save_last=True)
    written = bench.saves(callback)
    bench.fit(callback, score=score, batches=4, accumulate_grad_batches=2, val_check_interval=3)
    assert written[:3] == ["last.ckpt", "epoch=0-step=1.ckpt", "last.ckpt"]


def test_a_value_from_before_the_interruption_is_old(bench: Any) -> None:
    arguments = {"monitor": "val_loss", "every_n_train_steps": 1, "save_last": True, "save_top_k": -1}
    run = {"score": score, "batches": 7, "val_check_interval": 3}
    with pytest.raises(InterruptedError):
        bench.fit(bench.checkpoint(**arguments), bench.fail_at(3), **run)
    again = bench.checkpoint(**arguments)
    bench.fit(again, **run, ckpt_path=bench.folder / "ckpts" / "last.ckpt")
    assert assert_of_their_moment(again, bench) == [3, 6]


def test_a_save_that_waits_is_not_forgotten_on_resume(bench: Any) -> None:
    arguments = {"monitor": "val_loss", "every_n_train_steps": 3, "save_last": True, "save_top_k": -1}
    with pytest.raises(InterruptedError):
        bench.fit(bench.checkpoint(**arguments), bench.fail_at(4), score=score, batches=5)
    assert bench.files() == ["last.ckpt"]
    again = bench.checkpoint(**arguments)
    bench.fit(again, score=score, batches=5, ckpt_path=bench.folder / "ckpts" / "last.ckpt")
    assert assert_of_their_moment(again, bench) == [5]


def test_a_metric_that_nobody_logs(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_los")
    with pytest.raises(UserCodeError, match=r"monitor='val_los'.*'train_loss', 'val_loss'.*mean 'val_loss'"):
        bench.fit(callback, score=score)
    assert bench.files() == []


def test_a_metric_that_nobody_logs_by_steps(bench: Any) -> None:
    callback = bench.checkpoint(monitor="val_los", every_n_train_steps=1)
    with pytest.raises(UserCodeError, match="Did you mean 'val_loss'"):
        bench.fit(callback, score=score, max_epochs=2)


def test_a_metric_that_may_still_come(bench: Any) -> None:
    callback = bench.checkpoint(monitor="late_loss")
    with pytest.warns(UserWarning, match="checkpoint-monitor.*late_loss"):
        bench.fit(callback, validates=False, max_epochs=2, warns=True)
    assert bench.files() == []


def test_saving_when_validation_ends_without_validation(bench: Any) -> None:
    callback = bench.checkpoint(save_on_train_epoch_end=False)
    with pytest.warns(UserWarning, match="checkpoint-never"):
        bench.fit(callback, validates=False, warns=True)
    assert bench.files() == []
