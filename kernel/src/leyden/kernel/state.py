"""The state of a run: where it stands, what it has counted, and why it ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum
from math import inf
from typing import Any


class TrainerFn(StrEnum):
    """What the user called."""

    FITTING = "fit"
    VALIDATING = "validate"
    TESTING = "test"
    PREDICTING = "predict"


class RunningStage(StrEnum):
    """Which loop is running."""

    TRAINING = "train"
    SANITY_CHECKING = "sanity_check"
    VALIDATING = "validate"
    TESTING = "test"
    PREDICTING = "predict"

    @property
    def evaluating(self) -> bool:
        """Whether the stage is a validation or test loop."""
        return self in (RunningStage.SANITY_CHECKING, RunningStage.VALIDATING, RunningStage.TESTING)

    @property
    def dataloader_prefix(self) -> str:
        """The prefix of the stage's dataloader hook: ``train``, ``val``, ``test`` or ``predict``."""
        return "val" if self in (RunningStage.SANITY_CHECKING, RunningStage.VALIDATING) else str(self)


class TrainerStatus(StrEnum):
    """How the last call went."""

    INITIALIZING = "initializing"
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Point(IntEnum):
    """Where in an epoch a checkpoint was taken, hence where a resumed run goes on."""

    EPOCH_START = 0
    BATCH_END = 1
    VALIDATED = 2
    BATCH_OVER = 3
    EPOCH_END = 4


@dataclass(slots=True)
class Counters:
    """What a run counts. Every interval of the Trainer names one of these.

    Attributes:
        epoch: training epochs completed; inside one, the number of the running one (Lightning's ``current_epoch``).
        batch: training batches completed in the running epoch.
        batches: training batches completed in all epochs.
        updates: batches that stepped, whatever the number of optimizers; the x-axis of logs. Counted when a batch is
            entirely over, so inside its hooks and its validation the running batch is not yet among them.
        optimizer_steps: steps of all optimizers together (Lightning's ``global_step``).
        validated: ``optimizer_steps`` at the last validation inside fit.
    """

    epoch: int = 0
    batch: int = 0
    batches: int = 0
    updates: int = 0
    optimizer_steps: int = 0
    validated: int = 0

    def state_dict(self) -> dict[str, int]:
        """The counters as plain data."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Take the counters from plain data."""
        for name, value in state.items():
            setattr(self, name, int(value))


@dataclass(slots=True)
class Limits:
    """The keywords that the loop itself reads; ``inf`` where the user's ``-1`` means no limit."""

    max_epochs: float = 1000
    min_epochs: int = 0
    max_steps: float = inf
    min_steps: int = 0
    check_val_every_n_epoch: int | None = 1
    num_sanity_val_steps: float = 2


@dataclass(slots=True)
class RunState:
    """Everything about a Trainer that changes while it runs.

    Attributes:
        hook: the name of the hook or step whose user code is running.
        point: how far the running epoch has come.
        is_last_batch: whether the running batch is the epoch's last.
        val_batch_interval: validate every so many training batches; ``inf`` leaves it to the epoch's last batch.
        val_steps: validate when the optimizer steps have passed another multiple of it.
        val_seconds: validate when so many seconds have passed since the last validation.
    """

    fn: TrainerFn | None = None
    stage: RunningStage | None = None
    status: TrainerStatus = TrainerStatus.INITIALIZING
    hook: str | None = None
    counters: Counters = field(default_factory=Counters)
    limits: Limits = field(default_factory=Limits)
    point: Point = Point.EPOCH_START
    batch_idx: int = 0
    dataloader_idx: int = 0
    is_last_batch: bool = False
    should_stop: bool = False
    val_batch_interval: float = inf
    val_steps: int | None = None
    val_seconds: float | None = None
    last_validation: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
