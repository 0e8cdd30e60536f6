"""A run that goes on from any moment does what the uninterrupted run did from there."""

from __future__ import annotations

from typing import Any

import pytest
from kernel.tests.kernel.fake_work import FakeWork, Moment, comparable

from leyden.kernel import loop
from leyden.kernel.state import Point


def work_of(**options: Any) -> FakeWork:
    """Two epochs of three batches; validation after the second and in the middle of nothing else."""
    work = FakeWork(3, max_epochs=2, evaluated=(1,), **options)
    work.state.val_batch_interval = 2
    return work


def whole(**options: Any) -> list[Moment]:
    """The journal of an uninterrupted run."""
    work = work_of(**options)
    loop.fit(work)
    return work.journal


def going_on(journal: list[Moment], index: int) -> int:
    """Where in a journal a run goes on that was saved at a moment of it: after what the moment's point says is done."""
    epoch, batch, point = journal[index].place
    starts = {
        Point.EPOCH_START: ("start epoch", epoch, None),
        Point.BATCH_OVER: ("on_train_batch_start", epoch, batch),
        Point.BATCH_END: ("on_train_batch_end", epoch, batch),
        Point.VALIDATED: ("on_validation_end", epoch, batch),
        Point.EPOCH_END: ("on_train_epoch_end", epoch, None),
    }
    text, epoch, wanted = starts[point]
    found = next(
        (
            i
            for i, moment in enumerate(journal)
            if moment.text.startswith(text) and moment.place[0] == epoch and wanted in (None, moment.place[1])
        ),
        len(journal) - 1,
    )
    return found + (point in (Point.BATCH_END, Point.VALIDATED, Point.EPOCH_END))


def resumed(moment: Moment, **options: Any) -> list[Moment]:
    """The journal of a run that was put where a moment stood, from its first training batch or epoch on."""
    work = work_of(**options)
    work.resume_from(moment)
    loop.fit(work)
    return work.journal


NOISE = ("load", "on_train_start", "start epoch", "train mode", "end validate")


def essence(journal: list[Moment]) -> list[Moment]:
    """What must agree: everything but the beginning of a run or epoch, and ends of a pass already counted as done."""
    return [comparable(moment) for moment in journal if not moment.text.startswith(NOISE)]


JOURNAL = whole()
TRAINED = range(next(i for i, one in enumerate(JOURNAL) if one.text == "on_train_start"), len(JOURNAL) - 1)


@pytest.mark.parametrize("index", TRAINED, ids=lambda i: f"{i}:{JOURNAL[i].text}".replace(" ", "_"))
def test_resumed_is_uninterrupted_from_every_moment(index: int) -> None:
    rest = JOURNAL[going_on(JOURNAL, index) :]
    assert essence(resumed(JOURNAL[index])) == essence(rest)


def test_a_finished_run_does_nothing_more() -> None:
    assert [one.text for one in resumed(JOURNAL[-1])] == ["load"]


def test_updates_are_counted_right_from_within_an_open_window() -> None:
    journal = whole(window=2)
    for saved in journal[2:-1]:
        assert resumed(saved, window=2)[-1].counters == journal[-1].counters, saved
