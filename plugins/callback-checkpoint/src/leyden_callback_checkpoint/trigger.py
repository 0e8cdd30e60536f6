"""When a checkpoint is due."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leyden.errors import ConfigurationError
from leyden_callback_checkpoint.arguments import count, interval

if TYPE_CHECKING:
    from leyden import Trainer


class Trigger:
    """Every so many optimizer steps, every so many epochs, or every time span; each epoch when none is given.

    Args:
        every_n_train_steps: ``None``, or optimizer steps (``trainer.global_step``); 0 is never.
        every_n_epochs: ``None``, or epochs; 0 is never.
        train_time_interval: ``None``, or a time span, measured on rank zero.

    Raises:
        leyden.errors.ConfigurationError: a value is not possible, or two triggers are given.
    """

    def __init__(self, every_n_train_steps: Any, every_n_epochs: Any, train_time_interval: Any) -> None:
        never = "0 means never."
        steps, epochs = every_n_train_steps, every_n_epochs
        steps = None if steps is None else count("every_n_train_steps", steps, 0, never)
        epochs = None if epochs is None else count("every_n_epochs", epochs, 0, never)
        span: timedelta | None = interval("train_time_interval", train_time_interval)
        if steps is None and epochs is None and span is None:
            epochs = 1
        self.every_n_train_steps, self.every_n_epochs = steps or 0, epochs or 0
        self.train_time_interval = span
        self._check()
        self.checked_at: float | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trigger) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def _check(self) -> None:
        given = [f"{name}={value!r}" for name, value in vars(self).items() if value not in (0, None)]
        if len(given) > 1:
            raise ConfigurationError(
                f"{given[0]} is not possible with {given[1]}: a callback has one trigger. Use a ModelCheckpoint "
                "for each."
            )

    @property
    def by_batch(self) -> bool:
        """Whether batches, not epochs, make a checkpoint due."""
        return self.every_n_train_steps > 0 or self.train_time_interval is not None

    def start(self) -> None:
        """Training begins: the time runs from now."""
        self.checked_at = time.monotonic()

    def batch_due(self, trainer: Trainer) -> bool:
        """Whether a checkpoint is due after a training batch; the same on every rank."""
        if self.train_time_interval is None:
            return self.every_n_train_steps > 0 and trainer.global_step % self.every_n_train_steps == 0
        now = time.monotonic()
        started = now if self.checked_at is None else self.checked_at
        due = bool(trainer.strategy.broadcast(now - started >= self.train_time_interval.total_seconds()))
        if due or self.checked_at is None:
            self.checked_at = now
        return due

    def epoch_due(self, trainer: Trainer) -> bool:
        """Whether a checkpoint is due in the running epoch."""
        return self.every_n_epochs > 0 and (trainer.current_epoch + 1) % self.every_n_epochs == 0
