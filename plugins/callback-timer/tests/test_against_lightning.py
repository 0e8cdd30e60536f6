"""The same fits with Lightning: they end at the same batch, with the same state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

CONFIGURATIONS: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "steps": ({"duration": {"seconds": 4}}, {}),
    "a fraction": ({"duration": timedelta(seconds=3.5)}, {}),
    "within validation": ({"duration": {"milliseconds": 3125}}, {}),
    "epochs": ({"duration": {"seconds": 4}, "interval": "epoch"}, {}),
    "text": ({"duration": "00:00:00:02"}, {}),
    "no time": ({"duration": "00:00:00:00"}, {}),
    "no time, by epoch": ({"duration": "00:00:00:00", "interval": "epoch"}, {}),
    "no time and min_epochs": ({"duration": "00:00:00:00"}, {"min_epochs": 2}),
    "no time and min_steps": ({"duration": "00:00:00:00"}, {"min_steps": 4}),
    "no limit": ({}, {"max_epochs": 2}),
    "min_epochs": ({"duration": {"seconds": 1}}, {"min_epochs": 2}),
    "min_steps": ({"duration": {"seconds": 1}}, {"min_steps": 5}),
    "accumulation": ({"duration": {"seconds": 4}}, {"accumulate_grad_batches": 2}),
    "validation twice": ({"duration": {"seconds": 4}}, {"val_check_interval": 2}),
    "max_steps first": ({"duration": {"seconds": 9}}, {"max_steps": 5}),
    "trying": ({"duration": {"seconds": 9}}, {"fast_dev_run": 2}),
    "max_time": (None, {"max_time": {"seconds": 4}}),
    "max_time as text": (None, {"max_time": "00:00:00:05"}),
    "max_time of nothing": (None, {"max_time": timedelta(0)}),
    "neither": (None, {"max_epochs": 2}),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_end_and_state(name: str, both: Any) -> None:
    arguments, run = CONFIGURATIONS[name]
    found = []
    for bench in both:
        timers = [] if arguments is None else [bench.timer(**arguments)]
        trainer = bench.fit(*timers, **run)
        timers = [one for one in trainer.callbacks if type(one).__name__ == "Timer"]
        states = [
            {key: float(value) for key, value in one.state_dict()["time_elapsed"].items()} for one in timers
        ]
        counters = (trainer.global_step, trainer.current_epoch, trainer.max_epochs, trainer.should_stop)
        times = [(one.state_key, one.start_time(), one.end_time(), one.time_remaining()) for one in timers]
        found.append((counters, times, states, bench.now))
    assert found[0] == found[1]


@pytest.mark.parametrize("limit", [2, 5])
def test_checkpoints_are_read_both_ways(both: Any, limit: int) -> None:
    found = []
    for one, other in (both, both[::-1], (both[1], both[1])):
        path = one.folder / "timed.ckpt"
        one.fit(one.timer(), max_epochs=1).save_checkpoint(path)
        timer = other.timer({"seconds": limit})
        trainer = other.fit(timer, max_epochs=9, ckpt_path=path)
        found.append((trainer.global_step, trainer.current_epoch, timer.time_elapsed()))
    assert found[0] == found[1] == found[2]
