"""A part of a run that leaves no trace: its own listeners, data and metrics, and everything put back afterwards."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from leyden import LightningModule
from leyden.api.data import Data
from leyden.api.loaders import flattened
from leyden.api.logger import NoLogger
from leyden.api.optimizers import Configured
from leyden.api.participants import arranged
from leyden.api.results import Results
from leyden.api.resumable import ResumableLoader
from leyden.api.rng import isolate_rng
from leyden.kernel.state import Counters, Point, RunningStage, TrainerFn
from leyden.plugins.catalogue import catalogue
from leyden.plugins.manager import Manager
from leyden_tuner.memory import Memory

if TYPE_CHECKING:
    from leyden import Trainer
    from leyden.api.session import Session

_SWAPPED = (
    "callbacks",
    "loggers",
    "listeners",
    "session",
    "limit_train_batches",
    "limit_val_batches",
    "limit_test_batches",
    "limit_predict_batches",
)


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """Put back, whatever happens: module, optimizers, precision, counters, limits, random generators, listeners.

    Callbacks, loggers and hook plugins hear nothing of what happens inside; loggers are replaced by one that writes
    nothing.

    Args:
        session: the running session.
    """
    trainer = session.trainer
    memory = Memory()
    memory.keep(session.module, *(session.step.optimizers if session.step is not None else ()))
    objects = Memory(values=False)
    if session.datamodule is not None:
        objects.keep(session.datamodule)
    precision = copy.deepcopy(session.strategy.precision.state_dict())
    device_rng = session.accelerator.get_rng_state()
    with isolate_rng(), kept_state(trainer), kept_attributes(trainer):
        trainer.callbacks, trainer.listeners = [], []
        trainer.loggers = [NoLogger()] if trainer.loggers else []
        try:
            yield
        finally:
            memory.restore()
            objects.restore()
            if precision:
                session.strategy.precision.load_state_dict(precision)
            session.accelerator.set_rng_state(device_rng)


@contextmanager
def kept_state(trainer: Trainer) -> Iterator[None]:
    """Put the counters, the limits and the place in the run back, into the same objects."""
    state = trainer.run_state
    kept = [(one, {each.name: getattr(one, each.name) for each in fields(one)}) for one in _parts(trainer)]
    extra = dict(state.extra)
    try:
        yield
    finally:
        for one, values in kept:
            for name, value in values.items():
                setattr(one, name, value)
        state.extra.clear()
        state.extra.update(extra)


def _parts(trainer: Trainer) -> list[Any]:
    state = trainer.run_state
    return [state, state.counters, state.limits]


@contextmanager
def kept_attributes(trainer: Trainer) -> Iterator[None]:
    """Put the attributes of a Trainer back that a search changes."""
    kept = {name: getattr(trainer, name) for name in _SWAPPED}
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(trainer, name, value)


@contextmanager
def trial(
    session: Session, callbacks: Sequence[Any] = (), configured: Configured | None = None
) -> Iterator[Session]:
    """A session of its own beside the running one, for one pass; to be used inside :func:`undone`.

    Its data are loaded anew, and are ready. The generators of its loaders are put back, and workers that loaders
    would keep are ended.

    Args:
        session: the running session.
        callbacks: who listens, beside the module.
        configured: optimizers and schedulers to train with; ``None`` where nothing is trained.
    """
    trainer, state = session.trainer, session.state
    trainer.callbacks = list(callbacks)
    own = copy.copy(session)
    own.manager = Manager(state)
    own.hooks = own.manager.table
    own.plugins = []
    own.checkpoint_path = None
    own.evaluation_counts = {}
    own.metrics = Results(own)
    own.data = Data(own, dict(session.data.given))
    _attach(session.module, own.metrics)
    trainer.session = own
    own.manager.register(arranged(own, catalogue()))
    if configured is not None:
        own.step = type(session.step)(own, configured)
    state.point, state.is_last_batch, state.should_stop = Point.EPOCH_START, False, False
    state.counters.batch = state.batch_idx = 0
    state.limits.num_sanity_val_steps = 0
    try:
        with _rewound(own):
            yield own
    finally:
        _attach(session.module, session.metrics)
        trainer.session = session


def _attach(module: LightningModule, results: Results) -> None:
    for one in module.modules():
        if isinstance(one, LightningModule):
            one.__dict__["_results"] = results


@contextmanager
def _rewound(session: Session) -> Iterator[None]:
    """Load the data, and put back what a pass over them changes."""
    loaders = [ResumableLoader(part) for one in loaded(session) for part in flattened(one.loader)]
    kept = [one.own_randomness() for one in loaders]
    idle = [one for one in loaders if getattr(one.loader, "_iterator", None) is None]
    try:
        yield
    finally:
        for one, state in zip(loaders, kept, strict=True):
            one.set_own_randomness(state)
        for one in idle:
            one.end_workers()  # those that the loader would keep have random states of their own


def loaded(session: Session) -> list[Any]:
    """The batches of the loaders that a call uses, loaded where they are not."""
    state, data = session.state, session.data
    if session.fn is not TrainerFn.FITTING:
        return list(data.load_evaluation(stage_of(session)))
    session.validating = session.enable_validation
    session.load_training_data()
    found = [] if data.train is None else [data.train]
    if session.validating:
        outer, state.stage = state.stage, RunningStage.VALIDATING
        found += data.load_evaluation(RunningStage.VALIDATING)
        state.stage = outer
    return found


def stage_of(session: Session) -> RunningStage:
    """The stage of what the user called."""
    from leyden.api.session import STAGES

    return STAGES[session.fn]


def fresh_counters(trainer: Trainer) -> None:
    """Let the next pass count from zero."""
    counters, fresh = trainer.run_state.counters, Counters()
    for one in fields(Counters):
        setattr(counters, one.name, getattr(fresh, one.name))
