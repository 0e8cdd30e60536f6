"""A run without torch: what the loops drive, and a journal of what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

from leyden.kernel.events import EVENTS
from leyden.kernel.state import Limits, Point, RunningStage, RunState
from leyden.kernel.work import Batches, Metrics, Step
from leyden.plugins.adapt import Participant
from leyden.plugins.manager import Manager

Reaction = Callable[[], Any]


@dataclass(frozen=True)
class Moment:
    """One line of the journal, and where the run stood.

    Attributes:
        text: what happened.
        place: epoch, training batches completed in it, and point.
        counters: the counters as a checkpoint taken here would hold them.
        is_last_batch: likewise.
        accumulating: likewise.
    """

    text: str
    place: tuple[int, int, Point]
    counters: dict[str, int]
    is_last_batch: bool
    accumulating: bool


class FakeBatches:
    """``size`` batches; the loader knows its length or does not.

    Args:
        size: batches.
        sized: whether the limit is known in advance.
    """

    def __init__(self, size: int, sized: bool = True) -> None:
        self.size = size
        self.limit: float = size if sized else inf

    def iterate(self, skip: int = 0) -> Iterator[tuple[Any, bool]]:
        """Batches are strings."""
        for index in range(skip, self.size):
            yield f"b{index}", index == self.size - 1


class FakeStep:
    """Steps an imaginary optimizer whenever its window of batches closes."""

    def __init__(self, work: FakeWork, window: int) -> None:
        self.work, self.window = work, window
        self.schedulers: list[str] = ["scheduler"]
        self.accumulating = False

    def __call__(self, batch: Any, batch_idx: int) -> Any:
        state = self.work.state
        self.work.note(f"step {batch}")
        self.accumulating = not (state.is_last_batch or (batch_idx + 1) % self.window == 0)
        if not self.accumulating:
            state.counters.optimizer_steps += 1
        return batch

    def outputs(self, result: Any) -> Any:
        """Shown by what the hook gets."""
        return f"out of {result}"

    def schedule(self, interval: str, *, plateau: bool) -> None:
        """Noted."""
        self.work.note(f"schedule {interval} {'plateau' if plateau else 'plain'}")


class FakeMetrics:
    """Notes what the loops tell it."""

    active = False

    def __init__(self, work: FakeWork) -> None:
        self.batch_end = partial(work.note, "metrics: batch_end")
        self.epoch_end_reached = partial(work.note, "metrics: epoch_end_reached")
        self.epoch_end = partial(work.note, "metrics: epoch_end")


class FakeEvaluation:
    """One pass over some loaders."""

    def __init__(self, work: FakeWork, stage: RunningStage) -> None:
        self.batch_idx = 0
        self.loaders: list[FakeBatches] = work.evaluated
        self.batch_end = partial(work.note_of, f"{stage} batch_end")
        self.step = partial(work.note_of, f"{stage} step")
        self.eval_mode = partial(work.note, "eval mode")
        self.train_mode = partial(work.note, "train mode")
        self.start_loader = partial(work.note_of, "loader")
        self.loaders_done = partial(work.note, "loaders done")
        self.epoch_end = partial(work.note, "evaluation: epoch_end")
        self.result = lambda: f"result of {stage}"


class FakeWork:
    """What :mod:`leyden.kernel.loop` drives.

    Args:
        batches: training batches an epoch; ``None`` when there is no training data.
        evaluated: batches of each evaluation loader.
        window: batches whose gradients make one update.
        sized: whether the training loader knows its length.
        sanity: whether validation is tried first.
        reactions: what a listener does in a hook, by the hook's name.
        limits: fields of ``Limits``.
    """

    def __init__(
        self,
        batches: int | None = 2,
        *,
        evaluated: tuple[int, ...] = (),
        window: int = 1,
        sized: bool = True,
        sanity: bool = False,
        reactions: dict[str, Reaction] | None = None,
        **limits: Any,
    ) -> None:
        self.trainer, self.module = "trainer", "module"
        self.journal: list[Moment] = []
        self.state = RunState(limits=Limits(**limits))
        self.sanity, self.reactions = sanity, reactions or {}
        self.train: Batches | None = None if batches is None else FakeBatches(batches, sized)
        self.evaluated = [FakeBatches(size) for size in evaluated]
        self.validating = bool(evaluated)
        self.metrics: Metrics = FakeMetrics(self)
        self.step: Step = FakeStep(self, window)
        manager = Manager(self.state)
        manager.register([self._recorder()])
        self.hooks = manager.table
        self.load_training_data = partial(self.note, "load")
        self.load_validation_data = partial(self.note, "load validation")
        self.start_epoch = partial(self.note, "start epoch")
        self.zero_grad_before_validation = partial(self.note, "zero grad")

    def _recorder(self) -> Participant:
        recorder = Participant("recorder", "plugin", self)
        for event in EVENTS.values():
            recorder.listen(event, partial(self._heard, event.name), event.params)
        return recorder

    def _heard(self, name: str, trainer: Any, module: Any, *args: Any) -> Any:
        assert (trainer, module, self.state.hook) == (self.trainer, self.module, name)
        self.note(" ".join([name, *map(str, args)]))
        return self.reactions[name]() if name in self.reactions else None

    def note(self, text: str) -> None:
        """Write a line of the journal."""
        state, counters = self.state, self.state.counters
        place = (counters.epoch, counters.batch, state.point)
        self.journal.append(
            Moment(text, place, counters.state_dict(), state.is_last_batch, self.step.accumulating)
        )

    def note_of(self, text: str, *args: Any) -> None:
        """The same, with arguments."""
        self.note(" ".join([text, *map(str, args)]))

    @property
    def texts(self) -> list[str]:
        """What happened."""
        return [moment.text for moment in self.journal]

    @property
    def fired(self) -> list[str]:
        """The names of the hooks that fired."""
        return [text.split()[0] for text in self.texts if text.startswith(("on_", "leyden_"))]

    def resume_from(self, moment: Moment) -> None:
        """Stand where a checkpoint of that moment would put a new run."""
        self.state.counters.load_state_dict(moment.counters)
        self.state.point, self.state.is_last_batch = moment.place[2], moment.is_last_batch
        self.step.accumulating = moment.accumulating

    def ends_epoch(self, results: list[Any]) -> bool:
        """As Lightning's -1."""
        return -1 in results

    def sanity_check_due(self) -> bool:
        """As given."""
        return self.sanity

    @contextmanager
    def sanity_check(self) -> Iterator[None]:
        """The stage, and the point given back."""
        self.state.stage = RunningStage.SANITY_CHECKING
        yield
        self.state.point, self.state.stage = Point.EPOCH_START, RunningStage.TRAINING

    @contextmanager
    def evaluation(self, stage: RunningStage) -> Iterator[FakeEvaluation]:
        """The stage, for as long as the pass lasts."""
        assert self.state.stage is stage or not self.validating
        self.note(f"begin {stage}")
        yield FakeEvaluation(self, stage)
        self.note(f"end {stage}")


def comparable(moment: Moment) -> Moment:
    """A moment as far as a resumed run must agree: a new epoch may still show the last batch of the one before."""
    stale = moment.text == "on_train_epoch_start"
    is_last = moment.is_last_batch and not stale
    return replace(moment, place=(*moment.place[:2], Point.EPOCH_START), is_last_batch=is_last)
