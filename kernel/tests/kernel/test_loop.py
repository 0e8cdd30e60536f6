"""The loops: what fires when, and when they stop."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from kernel.tests.kernel.fake_work import FakeWork

from leyden.kernel import loop
from leyden.kernel.state import Point, RunningStage


def fitted(*args: Any, **kwargs: Any) -> FakeWork:
    """A run that has fitted."""
    work = FakeWork(*args, **kwargs)
    loop.fit(work)
    return work


def batch(index: int) -> list[str]:
    """The journal of one training batch that interrupts nothing."""
    name = f"b{index}"
    return [
        f"on_train_batch_start {name} {index}",
        f"step {name}",
        f"on_train_batch_end out of {name} {name} {index}",
        "schedule step plateau",
    ]


def passed(stage: RunningStage, stem: str, *sizes: int) -> list[str]:
    """The journal of one evaluation pass."""
    lines = [f"begin {stage}", "eval mode", f"on_{stem}_start", f"on_{stem}_epoch_start"]
    for loader, size in enumerate(sizes):
        lines.append(f"loader {loader}")
        for index in range(size):
            name = f"b{index}"
            lines += [
                f"on_{stem}_batch_start {name} {index} {loader}",
                f"{stage} step {name} {index} {loader}",
            ]
            lines += [f"on_{stem}_batch_end None {name} {index} {loader}", f"{stage} batch_end None"]
    lines += ["loaders done", f"on_{stem}_epoch_end", "evaluation: epoch_end", f"on_{stem}_end", "train mode"]
    return [*lines, f"end {stage}"]


def epoch(*inside: str) -> list[str]:
    """The journal of one training epoch."""
    end = ["metrics: epoch_end_reached", "on_train_epoch_end", "schedule epoch plateau", "metrics: epoch_end"]
    return ["start epoch", "on_train_epoch_start", *inside, *end]


def test_fit_without_validation() -> None:
    work = fitted(2, max_epochs=2)
    twice = epoch(*batch(0), *batch(1)) * 2
    assert work.texts == ["load", "load validation", "on_train_start", *twice, "on_train_end"]


def test_fit_with_sanity_check_and_validation_after_the_last_batch() -> None:
    work = fitted(2, evaluated=(1, 2), sanity=True, max_epochs=1)
    sanity = passed(RunningStage.SANITY_CHECKING, "validation", 1, 2)
    inner = ["zero grad", *passed(RunningStage.VALIDATING, "validation", 1, 2)]
    *before, schedule = batch(1)
    middle = epoch(*batch(0), *before, *inner, schedule)
    assert work.texts == [
        *("on_sanity_check_start", *sanity, "on_sanity_check_end"),
        *("load", "load validation", "on_train_start", *middle, "on_train_end"),
    ]
    assert work.state.stage is RunningStage.TRAINING


@pytest.mark.parametrize(
    ("stage", "stem"),
    [
        (RunningStage.VALIDATING, "validation"),
        (RunningStage.TESTING, "test"),
        (RunningStage.PREDICTING, "predict"),
    ],
)
def test_evaluate_runs_one_pass_over_all_loaders(stage: RunningStage, stem: str) -> None:
    work = FakeWork(None, evaluated=(2, 1))
    work.state.stage = stage
    assert loop.evaluate(work, stage) == f"result of {stage}"
    assert work.texts == passed(stage, stem, 2, 1)


def test_a_pass_without_loaders_fires_nothing() -> None:
    work = FakeWork(None)
    assert loop.evaluate(work, RunningStage.TESTING) == "result of test"
    assert work.fired == []


def test_what_nobody_asks_for_is_not_called() -> None:
    work = FakeWork(1, max_epochs=1)
    work.step.schedulers, work.metrics.active = [], True
    loop.fit(work)
    assert "schedule step plateau" not in work.texts
    assert work.texts.count("metrics: batch_end") == 1


@pytest.mark.parametrize(
    "work",
    [FakeWork(None), FakeWork(0), FakeWork(2, max_epochs=0), FakeWork(2, max_steps=0)],
    ids=["no data", "no batches", "no epochs", "no steps"],
)
def test_nothing_to_do_fires_nothing(work: FakeWork) -> None:
    loop.fit(work)
    assert work.texts == ["load"]


def test_max_steps_ends_the_run_in_the_middle_of_an_epoch() -> None:
    work = fitted(3, max_steps=4)
    assert work.state.counters.state_dict() == {
        "epoch": 2, "batch": 1, "batches": 4, "updates": 4, "optimizer_steps": 4, "validated": 0,
    }  # fmt: skip
    assert work.fired[-2:] == ["on_train_epoch_end", "on_train_end"]
    assert work.texts.count("schedule epoch plateau") == 1, "the second epoch did not reach its last batch"


def test_counters_count_batches_updates_and_steps_apart() -> None:
    seen: list[tuple[int, ...]] = []
    work = FakeWork(3, window=2, max_epochs=2)
    counters = work.state.counters
    work.reactions["on_train_batch_end"] = lambda: seen.append(
        (counters.epoch, counters.batch, counters.batches, counters.updates, counters.optimizer_steps)
    )
    loop.fit(work)
    assert seen == [
        (0, 1, 1, 0, 0),
        (0, 2, 2, 0, 1),
        (0, 3, 3, 1, 2),
        (1, 1, 4, 2, 2),
        (1, 2, 5, 2, 3),
        (1, 3, 6, 3, 4),
    ]
    assert (counters.epoch, counters.batches, counters.updates, counters.optimizer_steps) == (2, 6, 4, 4)


def stopping(after: int, **options: Any) -> FakeWork:
    """A run in which somebody asks to stop at the end of a batch, counted over all epochs."""
    work = FakeWork(3, **options)

    def stop() -> None:
        work.state.should_stop = work.state.should_stop or work.state.counters.batches == after

    work.reactions["on_train_batch_end"] = stop
    loop.fit(work)
    return work


@pytest.mark.parametrize(
    ("limits", "batches"),
    [
        ({}, 2),
        ({"min_steps": 1}, 2),
        ({"min_steps": 3}, 3),
        ({"min_steps": 5}, 5),
        ({"min_epochs": 1}, 3),
        ({"min_epochs": 2}, 6),
        ({"min_epochs": 1, "min_steps": 4}, 4),
        ({"min_epochs": 9, "max_epochs": 3}, 9),
        ({"min_steps": 9, "max_steps": 4}, 4),
    ],
    ids=str,
)
def test_a_wish_to_stop_is_granted_once_min_epochs_and_min_steps_are_met(
    limits: dict[str, Any], batches: int
) -> None:
    assert stopping(2, **limits).state.counters.batches == batches


def test_a_wish_to_stop_brings_validation_forward() -> None:
    work = stopping(2, evaluated=(1,))
    assert work.fired.count("on_validation_end") == 1
    assert work.fired[-3:] == ["on_validation_end", "on_train_epoch_end", "on_train_end"]


def test_minus_one_from_on_train_batch_start_ends_the_epoch_at_once() -> None:
    work = FakeWork(3, evaluated=(1,), max_epochs=2)
    work.reactions["on_train_batch_start"] = lambda: -1 if work.state.counters.batch == 1 else None
    loop.fit(work)
    once = ["on_train_epoch_start", "on_train_batch_start", "on_train_batch_end", "on_train_batch_start"]
    assert work.fired == ["on_train_start", *[*once, "on_train_epoch_end"] * 2, "on_train_end"]
    assert (work.state.counters.batches, work.state.counters.epoch) == (2, 2)
    assert "schedule epoch plateau" not in work.texts


def validated_after(work: FakeWork) -> list[int]:
    """The training batches after which validation ran, counted over all epochs."""
    found: list[int] = []
    work.reactions["on_validation_start"] = lambda: found.append(work.state.counters.batches)
    loop.fit(work)
    return found


@pytest.mark.parametrize(
    ("interval", "every", "batches"),
    [
        (inf, 1, [4, 8, 12]),
        (4, 1, [4, 8, 12]),
        (2, 1, [2, 4, 6, 8, 10, 12]),
        (3, 1, [3, 7, 11]),
        (1, 1, list(range(1, 13))),
        (inf, 2, [8]),
        (2, 2, [6, 8]),
        (inf, 4, []),
        (3, None, [3, 6, 9, 12]),
        (5, None, [5, 10]),
        (7, None, [7]),
    ],
)
def test_when_validation_is_due(interval: float, every: int | None, batches: list[int]) -> None:
    work = FakeWork(4, evaluated=(1,), max_epochs=3, check_val_every_n_epoch=every)
    work.state.val_batch_interval = interval
    assert validated_after(work) == batches


def test_without_a_length_validation_follows_the_last_batch() -> None:
    assert validated_after(FakeWork(3, sized=False, evaluated=(1,), max_epochs=2)) == [3, 6]


def test_validation_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("leyden.kernel.loop.time.monotonic", lambda: next(now))
    work = FakeWork(6, evaluated=(1,), max_epochs=1)
    work.state.val_seconds = 2
    assert validated_after(work) == [2, 4, 6]


def test_an_open_window_keeps_its_gradients_through_validation() -> None:
    work = FakeWork(4, window=2, evaluated=(1,), max_epochs=1)
    work.state.val_batch_interval = 1
    loop.fit(work)
    assert work.texts.count("zero grad") == 2
    assert work.texts.count("begin validate") == 4


POINTS: dict[str, tuple[str, Point]] = {
    "epoch start": ("on_train_epoch_start", Point.EPOCH_START),
    "first batch": ("on_train_batch_start", Point.EPOCH_START),
    "batch end": ("on_train_batch_end", Point.BATCH_END),
    "in validation": ("on_validation_epoch_end", Point.BATCH_END),
    "validated": ("on_validation_end", Point.VALIDATED),
    "epoch end": ("on_train_epoch_end", Point.EPOCH_END),
    "train end": ("on_train_end", Point.EPOCH_START),
}


@pytest.mark.parametrize(("hook", "point"), POINTS.values(), ids=POINTS)
def test_the_point_tells_how_far_the_epoch_has_come(hook: str, point: Point) -> None:
    work = FakeWork(1, evaluated=(1,), max_epochs=1)
    found: list[Point] = []
    work.reactions[hook] = lambda: found.append(work.state.point)
    loop.fit(work)
    assert found == [point]


def test_fire_returns_what_listeners_returned() -> None:
    work = FakeWork(None, reactions={"on_train_start": lambda: 3})
    assert loop.fire(work, "on_train_start") == [3]
    setattr(work.hooks, "on_train_start", None)  # noqa: B010
    assert loop.fire(work, "on_train_start") is None
