from __future__ import annotations

import logging
from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import UserCodeError
from leyden.testing import HostStrategy
from leyden_callback_early_stopping import EarlyStopping, EarlyStoppingReason


def test_the_reason_is_importable_from_where_users_look() -> None:
    from leyden import callbacks

    assert callbacks.EarlyStoppingReason is EarlyStoppingReason
    assert callbacks.EarlyStopping is EarlyStopping


def test_what_is_known_afterwards(bench: Any) -> None:
    callback = bench.stopping(patience=2)
    trainer = bench.fit(callback, score=float, max_epochs=9)
    assert trainer.current_epoch == 3 and trainer.should_stop
    assert callback.stopped_epoch == 2
    assert callback.stopping_reason is EarlyStoppingReason.PATIENCE_EXHAUSTED
    assert (
        callback.stopping_reason_message == "val_loss has not improved in 2 checks; the best was 2. Stopping."
    )
    assert callback.best_score == torch.tensor(2.0)


@pytest.mark.parametrize(
    ("arguments", "values", "message"),
    [
        ({}, [1, float("nan")], "val_loss = nan is not finite; the best was 1. Stopping."),
        ({"stopping_threshold": 0.5}, [1, 0.25], "val_loss = 0.25 < 0.5 meets stopping_threshold. Stopping."),
        (
            {"mode": "max", "stopping_threshold": 0.5},
            [0, 0.75],
            "val_loss = 0.75 > 0.5 meets stopping_threshold. Stopping.",
        ),
        (
            {"divergence_threshold": 2},
            [1, 3],
            "val_loss = 3 is worse than divergence_threshold = 2.0. Stopping.",
        ),
        ({"patience": 1}, [1, 3], "val_loss has not improved in 1 check; the best was 1. Stopping."),
    ],
)
def test_messages(bench: Any, arguments: dict[str, Any], values: list[float], message: str) -> None:
    callback = bench.stopping(**arguments)
    bench.fit(callback, score=lambda step: values[step // 2 - 1], max_epochs=2)
    assert callback.stopping_reason_message == message
    assert callback.stopped_epoch == 1


def test_what_it_says(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="leyden")
    values = [4, 3, 3.5]
    bench.fit(
        bench.stopping(patience=1, verbose=True), score=lambda step: values[step // 2 - 1], max_epochs=3
    )
    assert [one for one in caplog.messages if "val_loss" in one] == [
        "val_loss is 4, the first value.",
        "val_loss improved by 1 to 3.",
        "val_loss has not improved in 1 check; the best was 3. Stopping.",
    ]


class Waiting(Callback):
    """Sees how long a callback has waited when each epoch begins."""

    def __init__(self, callback: EarlyStopping) -> None:
        self.callback = callback
        self.seen: list[int] = []

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        self.seen.append(self.callback.wait_count)


def test_a_value_is_judged_once(bench: Any) -> None:
    callback = bench.stopping(patience=3, check_on_train_epoch_end=True, strict=False)
    waiting = Waiting(callback)
    trainer = bench.fit(callback, waiting, score=float, max_epochs=9, check_val_every_n_epoch=2)
    assert waiting.seen == [0, 0, 0, 0, 1, 1, 2, 2]
    assert trainer.current_epoch == 8


def test_a_check_before_the_first_validation_is_a_mistake(bench: Any) -> None:
    callback = bench.stopping(check_on_train_epoch_end=True)
    with pytest.raises(UserCodeError, match="strict=False to wait for it"):
        bench.fit(callback, max_epochs=2, check_val_every_n_epoch=2)


def test_a_metric_that_nobody_logs(bench: Any) -> None:
    with pytest.raises(
        UserCodeError, match=r"monitor='val_los'.*'train_loss', 'val_loss'.*mean 'val_loss'"
    ) as caught:
        bench.fit(bench.stopping("val_los"))
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("verbose", [False, True])
def test_a_metric_that_nobody_logs_may_be_ignored(bench: Any, verbose: bool) -> None:
    callback = bench.stopping("val_los", strict=False, verbose=verbose)
    if verbose:
        with pytest.warns(UserWarning, match="early-stopping-monitor.*not checked"):
            bench.fit(callback, warns=True)
    else:
        bench.fit(callback, max_epochs=2)
    assert callback.wait_count == 0


def test_checks_without_validation(bench: Any) -> None:
    for keywords in ({}, {"val_check_interval": 0.5}, {"check_val_every_n_epoch": 3}):
        callback = bench.stopping("train_loss", patience=2)
        trainer = bench.fit(callback, score=float, max_epochs=9, validates=False, **keywords)
        assert trainer.current_epoch == 3


def test_checks_when_validation_ends_without_validation(bench: Any) -> None:
    callback = bench.stopping("train_loss", check_on_train_epoch_end=False)
    with pytest.warns(UserWarning, match="early-stopping-never"):
        bench.fit(callback, validates=False, warns=True)
    assert callback.wait_count == 0


def test_another_process_decides(bench: Any) -> None:
    class Outvoted(HostStrategy):
        def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:
            assert not all
            return True

    callback = bench.stopping()
    trainer = bench.fit(callback, max_epochs=5, strategy=Outvoted())
    assert trainer.current_epoch == 1
    assert callback.stopping_reason is EarlyStoppingReason.NOT_STOPPED
    assert callback.stopping_reason_message == "Another process decided to stop."


@pytest.mark.parametrize("zero_only", [False, True])
def test_who_speaks(bench: Any, caplog: pytest.LogCaptureFixture, zero_only: bool) -> None:
    caplog.set_level(logging.INFO, logger="leyden")
    callback = bench.stopping(verbose=True, log_rank_zero_only=zero_only)
    bench.fit(callback, score=lambda step: 4.0, strategy=HostStrategy(rank=1, world_size=2))
    said = [one for one in caplog.messages if "val_loss" in one]
    start = "val_loss" if zero_only else "[rank 1] val_loss"
    assert said == [f"{start} is 4, the first value."]


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(f"{trainer.default_root_dir}/here.ckpt")
            raise InterruptedError


@pytest.mark.parametrize("step", range(1, 10))
def test_interrupted_and_resumed_is_like_uninterrupted(bench: Any, step: int) -> None:
    arguments: dict[str, Any] = {"patience": 3, "check_on_train_epoch_end": True, "strict": False}
    run: dict[str, Any] = {"score": float, "max_epochs": 9, "check_val_every_n_epoch": 2}
    whole = bench.stopping(**arguments)
    epochs = bench.fit(whole, **run).current_epoch
    with pytest.raises(InterruptedError):
        bench.fit(bench.stopping(**arguments), StopAt(step), **run)
    again = bench.stopping(**arguments)
    assert bench.fit(again, **run, ckpt_path=bench.folder / "here.ckpt").current_epoch == epochs == 8
    assert again.state_dict() == whole.state_dict()


def test_resuming_keeps_the_new_patience(bench: Any) -> None:
    first = bench.stopping(patience=1)
    trainer = bench.fit(first, score=float, max_epochs=9)
    trainer.save_checkpoint(bench.folder / "here.ckpt")
    second = bench.stopping(patience=4)
    resumed = bench.fit(second, score=float, max_epochs=9, ckpt_path=bench.folder / "here.ckpt")
    assert (trainer.current_epoch, resumed.current_epoch) == (2, 5)
    assert second.patience == second.wait_count == 4


def test_one_callback_in_two_trainers(bench: Any) -> None:
    callback = bench.stopping(patience=5)
    for fits in (1, 2):
        bench.fit(callback, score=lambda step: 1.0)
        assert callback.wait_count == fits - 1
