"""The state of a run, as data."""

from __future__ import annotations

from leyden.kernel.state import Counters, Limits, RunningStage, RunState, TrainerFn, TrainerStatus


def test_counters_go_through_plain_data() -> None:
    counters = Counters(epoch=1, batch=2, batches=5, updates=3, optimizer_steps=6)
    other = Counters()
    other.load_state_dict(counters.state_dict())
    assert other == counters
    assert all(type(value) is int for value in counters.state_dict().values())


def test_stages_compare_with_lightnings_strings() -> None:
    assert [str(one) for one in TrainerFn] == ["fit", "validate", "test", "predict"]
    members: list[object] = [RunningStage.TRAINING, TrainerStatus.INTERRUPTED]
    assert members == ["train", "interrupted"]


def test_evaluating_stages_and_the_prefixes_of_their_dataloaders() -> None:
    assert [one for one in RunningStage if one.evaluating] == ["sanity_check", "validate", "test"]
    assert [one.dataloader_prefix for one in RunningStage] == ["train", "val", "val", "test", "predict"]


def test_two_runs_share_nothing() -> None:
    one, other = RunState(), RunState()
    one.counters.epoch, one.limits.max_steps, one.extra["a"] = 3, 4, 5
    assert (other.counters, other.limits, other.extra) == (Counters(), Limits(), {})
