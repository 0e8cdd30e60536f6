"""The learning-rate range test: train with a rising rate and watch the loss (Smith, arXiv:1506.01186)."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from leyden import Callback
from leyden.api.optimizers import Configured, LRSchedulerConfig
from leyden.api.rank_zero import rank_zero_info
from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden.kernel import loop
from leyden_tuner.attributes import Attribute, found
from leyden_tuner.result import LRFinder
from leyden_tuner.trial import trial, undone

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer
    from leyden.api.session import Session

NAMES = ("lr", "learning_rate")
SMOOTHING = 0.98


class Ramp(LRScheduler):
    """Raises the rate from the optimizer's own to ``end`` in so many steps.

    The first step is taken with the rate of the start, step i (from 1) with that of i + 1 parts of the way.

    Args:
        optimizer: the optimizer.
        end: the last rate.
        steps: how many steps it takes.
        exponential: whether equal steps multiply the rate, rather than add to it.
    """

    def __init__(self, optimizer: Optimizer, end: float, steps: int, exponential: bool) -> None:
        self.end, self.steps, self.exponential = end, steps, exponential
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """The rates of the next step, one a parameter group."""
        starts: list[float | Tensor] = list(self.base_lrs)
        if self.last_epoch <= 0:
            return starts
        part = (self.last_epoch + 1) / self.steps
        if self.exponential:
            return [start * (self.end / start) ** part for start in starts]
        return [start + part * (self.end - start) for start in starts]


class Watch(Callback):
    """Keeps rate and smoothed loss of each update, and stops the trial when the loss diverges.

    Args:
        ramp: the scheduler.
        threshold: stop at so many times the lowest loss; ``None`` never stops.
        start: the optimizer steps before the search.
    """

    def __init__(self, ramp: Ramp, threshold: float | None, start: int) -> None:
        self.ramp, self.threshold, self.start = ramp, threshold, start
        self.lrs: list[float] = []
        self.losses: list[float] = []
        self.average, self.best = 0.0, inf

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep the rate that the batch will be trained with."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.lrs.append(float(self.ramp.get_last_lr()[0]))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the loss, as an average that is corrected for its start."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        if not outputs:
            self.losses.append(nan)
            return
        loss = (outputs if isinstance(outputs, Tensor) else outputs["loss"]).item()
        step = trainer.global_step - self.start
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * loss
        smoothed = self.average / (1 - SMOOTHING ** (step + 1))
        diverges = self.threshold is not None and step > 1 and smoothed > self.threshold * self.best
        trainer.should_stop = trainer.strategy.broadcast(trainer.should_stop or diverges)
        if smoothed < self.best or step == 1:
            self.best = smoothed
        self.losses.append(smoothed)


def search(
    session: Session, finder: LRFinder, early_stop_threshold: float | None, attribute: Attribute | None
) -> LRFinder | None:
    """Try rising learning rates on a running fit, and put everything back.

    Args:
        session: the running session; its optimizers exist.
        finder: what to try; gets the results.
        early_stop_threshold: end when the loss exceeds so many times the lowest.
        attribute: set this, and the running optimizer's rate, to the suggestion.

    Returns:
        The finder; ``None`` under ``fast_dev_run``.

    Raises:
        leyden.errors.ConfigurationError: there is not exactly one optimizer, or the strategy trains by itself.
    """
    trainer = session.trainer
    if trainer.fast_dev_run:
        warn("tuner-skipped", "fast_dev_run is on, so no learning rate is searched for.")
        return None
    optimizer = _only_optimizer(session)
    rank_zero_info(
        f"Searching for a learning rate: up to {finder.num_training} steps from {finder.lr_min:g} to {finder.lr_max:g}."
    )
    start = trainer.global_step
    with undone(session):
        watch = _ramp_up(session, finder, optimizer, early_stop_threshold)
        tried = trainer.global_step - start
        finder._total_batch_idx = trainer.fit_loop.total_batch_idx
    found: dict[str, list[float]] = {"lr": watch.lrs, "loss": watch.losses}
    finder.results = trainer.strategy.broadcast(found)
    if tried != finder.num_training:
        rank_zero_info(f"The search ended after {tried} of {finder.num_training} steps.")
    if attribute is not None and (rate := finder.suggestion()) is not None:
        attribute.set(rate)
        set_rate(optimizer, rate)
        rank_zero_info(f"{attribute.name} is set to {rate:.6g}.")
    return finder


def wanted(module: Any, datamodule: Any, attr_name: str) -> Attribute:
    """The attribute that holds the learning rate.

    Raises:
        leyden_tuner.attributes.MissingAttributeError: there is none.
    """
    return found(module, datamodule, (attr_name,) if attr_name else NAMES, "attr_name")


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every parameter group a learning rate."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _only_optimizer(session: Session) -> Optimizer:
    optimizers: list[Optimizer] = session.step.optimizers
    if len(optimizers) != 1:
        raise ConfigurationError(
            "The search for a learning rate works with one optimizer, and configure_optimizers gives "
            f"{len(optimizers)}."
        )
    if session.strategy.restore_after_setup:
        raise ConfigurationError(
            f"strategy={type(session.strategy).__name__} keeps weights in an engine of its own, which cannot be put "
            "back after a search. Search on a smaller model or with another strategy."
        )
    return optimizers[0]


def _ramp_up(session: Session, finder: LRFinder, optimizer: Optimizer, threshold: float | None) -> Watch:
    trainer, state = session.trainer, session.state
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = finder.lr_min
    ramp = Ramp(optimizer, finder.lr_max, finder.num_training, finder.mode == "exponential")
    watch = Watch(ramp, threshold, trainer.global_step)
    if trainer.limit_val_batches:
        trainer.limit_val_batches = finder.num_training
    configured = Configured([optimizer], [LRSchedulerConfig(ramp, interval="step")], [])
    with trial(session, [watch], configured) as own:
        state.limits.max_steps = finder.num_training + trainer.global_step
        loop.fit(own)
    return watch
