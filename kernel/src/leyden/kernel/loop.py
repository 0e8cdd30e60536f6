"""The loops: what fires when.

They know stages, epochs, batches, counters and when to stop. What a batch is, how it becomes an update and what
a metric is worth is known to the collaborators that :class:`~leyden.kernel.work.Work` names.
"""

from __future__ import annotations

import time
from math import inf
from typing import Any

from leyden.kernel.state import Point, RunningStage
from leyden.kernel.work import Batches, Evaluation, Work

# Names of this module: a member of an enum costs 30 ns to look up (Python 3.11), and a batch looks up two.
_BATCH_END, _BATCH_OVER = Point.BATCH_END, Point.BATCH_OVER

_HOOK_STEMS = {
    RunningStage.SANITY_CHECKING: "validation",
    RunningStage.VALIDATING: "validation",
    RunningStage.TESTING: "test",
    RunningStage.PREDICTING: "predict",
}


def fire(work: Work, name: str, *args: Any) -> Any:
    """Fire a hook by name; for hooks outside the per-batch path."""
    call = getattr(work.hooks, name)
    return call(work.trainer, work.module, *args) if call else None


def fit(work: Work) -> None:
    """Check validation, then train until a limit is met or somebody asks to stop."""
    state = work.state
    sanity_check(work)
    state.stage = RunningStage.TRAINING
    work.load_training_data()
    if work.train is None or work.train.limit == 0 or fit_done(work):
        return
    work.load_validation_data()
    state.last_validation = time.monotonic()
    if state.point is Point.EPOCH_END:
        end_epoch(work)
    fire(work, "on_train_start")
    while not fit_done(work):
        train_epoch(work)
    fire(work, "on_train_end")


def fit_done(work: Work) -> bool:
    """Whether an epoch or step limit is met, or a stop was asked for and may be granted."""
    counters, limits = work.state.counters, work.state.limits
    if counters.optimizer_steps >= limits.max_steps or counters.epoch >= limits.max_epochs:
        return True
    return work.state.should_stop and may_stop(work)


def may_stop(work: Work) -> bool:
    """Whether ``min_epochs`` and ``min_steps`` are met."""
    counters, limits = work.state.counters, work.state.limits
    return counters.epoch >= limits.min_epochs and counters.optimizer_steps >= limits.min_steps


def sanity_check(work: Work) -> None:
    """Run a few validation batches before the first training batch of a fresh run."""
    if not work.sanity_check_due():
        return
    with work.sanity_check():
        fire(work, "on_sanity_check_start")
        evaluate(work, RunningStage.SANITY_CHECKING)
        fire(work, "on_sanity_check_end")


def train_epoch(work: Work) -> None:
    """Run one training epoch from wherever the last checkpoint left it."""
    state, counters = work.state, work.state.counters
    resumed = state.point
    work.start_epoch()
    if resumed is Point.EPOCH_START:
        counters.batch, state.is_last_batch = 0, False
        fire(work, "on_train_epoch_start")
    train_batches(work, resumed)
    state.point = Point.EPOCH_END
    work.metrics.epoch_end_reached()
    fire(work, "on_train_epoch_end")
    end_epoch(work)


def end_epoch(work: Work) -> None:
    """What follows the hooks of a training epoch's end."""
    state = work.state
    if state.is_last_batch:
        work.step.schedule("epoch", plateau=True)
    work.metrics.epoch_end()
    state.counters.epoch += 1
    state.point = Point.EPOCH_START


def train_batches(work: Work, resumed: Point = Point.EPOCH_START) -> None:
    """Run the batches of an epoch, and validation where it is due."""
    state, hooks, counters = work.state, work.hooks, work.state.counters
    trainer, module, step = work.trainer, work.module, work.step
    assert work.train is not None
    state.is_last_batch = state.is_last_batch and resumed is not Point.EPOCH_START
    unfinished = resumed in (Point.BATCH_END, Point.VALIDATED)
    if unfinished and after_batch(work, validated=resumed is Point.VALIDATED):
        return
    for batch, is_last in work.train.iterate(skip=counters.batch):
        state.batch_idx = batch_idx = counters.batch
        state.is_last_batch = is_last
        if hooks.on_train_batch_start:
            answers = hooks.on_train_batch_start(trainer, module, batch, batch_idx)
            if answers and work.ends_epoch(answers):
                return
        result = step(batch, batch_idx)
        counters.batch += 1
        counters.batches += 1
        state.point = _BATCH_END
        if hooks.on_train_batch_end:
            hooks.on_train_batch_end(trainer, module, step.outputs(result), batch, batch_idx)
        if work.metrics.active:
            work.metrics.batch_end()
        if after_batch(work, validated=False):
            return


def after_batch(work: Work, *, validated: bool) -> bool:
    """Validate if it is due, and tell whether the epoch is over."""
    state, step = work.state, work.step
    if work.validating and not validated and validation_due(work):
        validate_inside_fit(work)
    if step.schedulers:
        step.schedule("step", plateau=True)
    counters = state.counters
    if not step.accumulating:
        counters.updates += 1
    state.point = _BATCH_OVER
    if state.is_last_batch or counters.optimizer_steps >= state.limits.max_steps:
        return True
    return state.should_stop and may_stop(work)


def validation_due(work: Work) -> bool:
    """Whether validation follows the batch that has just ended."""
    state, counters, every = work.state, work.state.counters, work.state.limits.check_val_every_n_epoch
    if every is not None and (counters.epoch + 1) % every:
        return False
    if state.should_stop and may_stop(work):
        return True
    if state.val_seconds is not None:
        return time.monotonic() - state.last_validation >= state.val_seconds
    if state.val_steps is not None:
        return counters.optimizer_steps // state.val_steps > counters.validated // state.val_steps
    if state.val_batch_interval == inf:
        return state.is_last_batch
    return (counters.batches if every is None else counters.batch) % state.val_batch_interval == 0


def validate_inside_fit(work: Work) -> None:
    """Interrupt training for one validation pass."""
    state = work.state
    state.stage = RunningStage.VALIDATING
    if not work.step.accumulating:
        work.zero_grad_before_validation()
    evaluate(work, RunningStage.VALIDATING)
    state.stage = RunningStage.TRAINING
    state.point = Point.VALIDATED
    state.last_validation = time.monotonic()


def evaluate(work: Work, stage: RunningStage) -> Any:
    """Run one pass of validation, test or prediction and return what the user's call returns."""
    stem = _HOOK_STEMS[stage]
    with work.evaluation(stage) as evaluation:
        if evaluation.loaders:
            evaluation.eval_mode()
            fire(work, f"on_{stem}_start")
            fire(work, f"on_{stem}_epoch_start")
            for dataloader_idx, batches in enumerate(evaluation.loaders):
                evaluate_loader(work, evaluation, stem, batches, dataloader_idx)
            evaluation.loaders_done()
            fire(work, f"on_{stem}_epoch_end")
            evaluation.epoch_end()
            if work.state.point is Point.BATCH_END:
                work.state.point = Point.VALIDATED
                work.state.counters.validated = work.state.counters.optimizer_steps
            fire(work, f"on_{stem}_end")
            evaluation.train_mode()
        return evaluation.result()


def evaluate_loader(
    work: Work, evaluation: Evaluation, stem: str, batches: Batches, dataloader_idx: int
) -> None:
    """Run the stage's step over one loader."""
    hooks, trainer, module = work.hooks, work.trainer, work.module
    start, end = f"on_{stem}_batch_start", f"on_{stem}_batch_end"
    evaluation.start_loader(dataloader_idx)
    for batch_idx, (batch, _) in enumerate(batches.iterate()):
        evaluation.batch_idx = batch_idx
        if fire_start := getattr(hooks, start):
            fire_start(trainer, module, batch, batch_idx, dataloader_idx)
        outputs = evaluation.step(batch, batch_idx, dataloader_idx)
        if fire_end := getattr(hooks, end):
            fire_end(trainer, module, outputs, batch, batch_idx, dataloader_idx)
        if evaluation.batch_end:
            evaluation.batch_end(outputs)
