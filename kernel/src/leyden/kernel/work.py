"""What the loops ask of those who do the work. The kernel knows no other way to touch data, modules or metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from leyden.kernel.state import RunningStage, RunState
from leyden.kernel.table import HookTable


class Batches(Protocol):
    """The data of one loader in one stage."""

    limit: float
    """Batches to run; ``inf`` when neither the loader nor the user says."""

    def iterate(self, skip: int = 0) -> Iterator[tuple[Any, bool]]:
        """Yield batches, already on the device, each with whether it is the last; leave out the first ``skip``."""


class Metrics(Protocol):
    """Where logged values are kept, reduced and handed to the loggers."""

    active: bool
    """Whether anything was ever logged in this run."""

    def batch_end(self) -> None:
        """The hooks of a training batch are over."""

    def epoch_end_reached(self) -> None:
        """The batches of a training epoch are over, the hooks of its end follow."""

    def epoch_end(self) -> None:
        """The hooks of a training epoch's end are over."""


class Step(Protocol):
    """How one batch becomes updates."""

    schedulers: Any
    """Learning-rate schedulers; falsy when there are none."""

    accumulating: bool
    """Whether an accumulation window is open."""

    def __call__(self, batch: Any, batch_idx: int) -> Any:
        """Run one training batch and return what ``training_step`` returned."""

    def outputs(self, result: Any) -> Any:
        """What ``on_train_batch_end`` gets for it."""

    def schedule(self, interval: str, *, plateau: bool) -> None:
        """Step the schedulers of an interval, ``step`` or ``epoch``: those that watch a metric, or the others."""


class Evaluation(Protocol):
    """One pass of a stage that computes no gradients."""

    batch_idx: int

    @property
    def loaders(self) -> Sequence[Batches]:
        """The loaders to run, one after the other; empty when there is nothing to do."""

    @property
    def step(self) -> Callable[[Any, int, int], Any]:
        """Runs one batch: ``step(batch, batch_idx, dataloader_idx)``."""

    @property
    def batch_end(self) -> Callable[[Any], None] | None:
        """Takes a step's outputs, when somebody wants them."""

    def eval_mode(self) -> None:
        """Put the module into evaluation mode."""

    def train_mode(self) -> None:
        """Give every submodule the mode it had."""

    def start_loader(self, dataloader_idx: int) -> None:
        """The next loader begins."""

    def loaders_done(self) -> None:
        """All loaders are exhausted, the hooks of the epoch's end follow."""

    def epoch_end(self) -> None:
        """The hooks of the epoch's end are over; reduce and write what was logged."""

    def result(self) -> Any:
        """What the user's call returns."""


class Work(Protocol):
    """A run, as the loops see it."""

    trainer: Any
    module: Any
    hooks: HookTable
    state: RunState
    step: Step
    validating: bool
    """Whether training is interrupted by validation at all."""

    @property
    def train(self) -> Batches | None:
        """The training data, once it is loaded."""

    @property
    def metrics(self) -> Metrics:
        """Where logged values go."""

    def load_training_data(self) -> None:
        """Build the training loader."""

    def load_validation_data(self) -> None:
        """Build the validation loader when the first epoch validates; the last thing before training begins."""

    def start_epoch(self) -> None:
        """Reload the loaders when that is due and tell samplers the epoch."""

    def ends_epoch(self, results: list[Any]) -> bool:
        """Whether what listeners of ``on_train_batch_start`` returned ends the epoch."""

    def sanity_check_due(self) -> bool:
        """Whether validation is tried before training."""

    def sanity_check(self) -> AbstractContextManager[None]:
        """What holds around the sanity check: its metrics are dropped, no random numbers are consumed."""

    def zero_grad_before_validation(self) -> None:
        """Release gradients so that validation has the memory."""

    def evaluation(self, stage: RunningStage) -> AbstractContextManager[Evaluation]:
        """What holds around one evaluation pass: stage, data, gradients off."""
