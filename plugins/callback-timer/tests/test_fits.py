from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from leyden import Callback
from leyden_callback_timer import Timer


def test_nothing_is_known_before(bench: Any) -> None:
    timer = bench.timer("00:00:01:00")
    assert (timer.start_time(), timer.end_time()) == (None, None)
    assert (timer.time_elapsed(), timer.time_remaining()) == (0, 60)


def test_every_stage_is_timed(bench: Any) -> None:
    timer = bench.timer(verbose=False)
    trainer = bench.fit(timer, max_epochs=2, num_sanity_val_steps=1)
    assert timer.time_elapsed("sanity_check") == 0.25
    assert timer.time_elapsed("train") == timer.time_elapsed() == 6.5
    assert (timer.start_time("train"), timer.end_time("train")) == (100.25, 106.75)
    assert (timer.start_time("validate"), timer.end_time("validate")) == (106.5, 106.75)
    assert timer.time_remaining() is None
    data = trainer.val_dataloaders
    trainer.test(bench.module(), data, verbose=False)
    trainer.predict(bench.module(), data)
    assert [timer.time_elapsed(one) for one in ("train", "test", "predict")] == [6.5, 0.25, 0.25]


class Asking(Callback):
    def __init__(self, timer: Any) -> None:
        self.timer = timer
        self.seen: list[tuple[float, float | None, float | None]] = []

    def on_validation_batch_end(self, trainer: Any, *args: Any) -> None:
        times = self.timer
        self.seen.append((times.time_elapsed(), times.time_elapsed("validate"), times.end_time("validate")))


def test_a_running_pass_is_timed_from_its_own_start(bench: Any) -> None:
    timer = bench.timer()
    asking = Asking(timer)
    bench.fit(timer, asking, max_epochs=2)
    assert asking.seen == [(3.25, 0.25, None), (6.5, 0.25, None)]


@pytest.mark.parametrize(("interval", "steps", "epochs"), [("step", 4, 2), ("epoch", 6, 2)])
def test_the_time_is_up(bench: Any, interval: str, steps: int, epochs: int | None) -> None:
    timer = bench.timer({"seconds": 4}, interval=interval)
    trainer = bench.fit(timer, max_epochs=9)
    assert (trainer.global_step, trainer.current_epoch) == (steps, epochs)
    assert trainer.should_stop and trainer.state.finished
    assert timer.time_remaining() < 0


def test_it_says_so_once(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="leyden")
    bench.fit(bench.timer({"seconds": 2}), max_epochs=9, min_epochs=2)
    said = [one for one in caplog.messages if "time is up" in one]
    assert said == ["The time is up: 0:00:02 of 0:00:02 have passed. The fit ends."]
    caplog.clear()
    bench.fit(bench.timer({"seconds": 2}, verbose=False), max_epochs=9)
    assert [one for one in caplog.messages if "time is up" in one] == []


def test_rank_zero_decides(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    timer = bench.timer({"seconds": 2})
    trainer = bench.trainer(timer, max_epochs=1)
    heard: list[bool] = []

    def broadcast(own: Any, src: int = 0) -> Any:
        heard.append(own)
        return False

    monkeypatch.setattr(trainer.strategy, "broadcast", broadcast)
    trainer.fit(bench.module(), bench.loader(3), bench.loader(1))
    assert heard == [False, False, True, True]
    assert trainer.global_step == 3 and not trainer.should_stop


def test_another_fit_has_its_own_time(bench: Any) -> None:
    timer = bench.timer({"seconds": 4})
    assert [bench.fit(timer, max_epochs=9).global_step for _ in range(2)] == [4, 4]


def test_an_exception_stops_the_clocks(bench: Any) -> None:
    timer = bench.timer()
    with pytest.raises(RuntimeError, match="on purpose"):
        bench.fit(timer, max_epochs=1, fails=True)
    bench.now += 1000
    assert timer.time_elapsed() == 1


def test_a_resumed_fit_goes_on_counting(bench: Any) -> None:
    path = bench.folder / "a.ckpt"
    bench.fit(bench.timer({"seconds": 5}), max_epochs=1).save_checkpoint(path)
    bench.now += 1000
    timer = bench.timer({"seconds": 5})
    trainer = bench.fit(timer, max_epochs=9, ckpt_path=path)
    assert trainer.global_step == 5
    assert timer.time_elapsed() == 5.25 + 0.25
    assert timer.time_elapsed("validate") == 0.25


def test_a_resumed_fit_without_time_ends_at_once(bench: Any) -> None:
    path = bench.folder / "a.ckpt"
    bench.fit(bench.timer(), max_epochs=1).save_checkpoint(path)
    trainer = bench.fit(bench.timer({"seconds": 2}), max_epochs=9, ckpt_path=path)
    assert (trainer.global_step, trainer.should_stop) == (3, True)


def test_a_state_loaded_by_hand_counts(bench: Any) -> None:
    timer = bench.timer({"seconds": 5})
    timer.load_state_dict({"time_elapsed": {"train": 3.0}})
    assert (timer.time_remaining(), timer.time_elapsed("validate")) == (2, 0)
    assert bench.fit(timer, max_epochs=9).global_step == 2


def test_max_time_adds_a_timer(bench: Any) -> None:
    trainer = bench.fit(max_time={"seconds": 2}, max_epochs=9)
    (timer,) = (one for one in trainer.callbacks if isinstance(one, Timer))
    assert (timer.duration, timer.interval) == (timedelta(seconds=2), "step")
    assert trainer.global_step == 2
    assert not any(isinstance(one, Timer) for one in bench.trainer(max_time=None, max_epochs=1).callbacks)


def test_max_time_gives_way_to_a_timer(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="leyden")
    timer = bench.timer({"seconds": 4})
    trainer = bench.trainer(timer, max_time={"seconds": 2}, max_epochs=9)
    assert [one for one in trainer.callbacks if isinstance(one, Timer)] == [timer]
    assert [one for one in caplog.messages if one.startswith("max_time is ignored")]


@pytest.mark.parametrize("keywords", [{}, {"max_epochs": None}, {"max_epochs": -1}])
def test_time_is_limit_enough(bench: Any, keywords: dict[str, Any], recwarn: pytest.WarningsRecorder) -> None:
    for timers, more in (((bench.timer({"seconds": 4}),), {}), ((), {"max_time": {"seconds": 4}})):
        trainer = bench.trainer(*timers, **keywords, **more)
        trainer.fit(bench.module(), bench.loader(1), bench.loader(1))
        assert (trainer.current_epoch, trainer.max_epochs) == (4, -1)
    assert [str(one.message) for one in recwarn if "max_epochs" in str(one.message)] == []


@pytest.mark.parametrize(
    ("keywords", "epochs"), [({"max_epochs": 2}, 2), ({"max_steps": 5}, None), ({"fast_dev_run": True}, 1)]
)
def test_other_limits_stay(bench: Any, keywords: dict[str, Any], epochs: int | None) -> None:
    assert bench.trainer(max_time="00:01:00:00", **keywords).max_epochs == epochs


def test_a_timer_that_only_measures_is_no_limit(bench: Any) -> None:
    assert bench.trainer(bench.timer()).run_state.limits.max_epochs == 1000
