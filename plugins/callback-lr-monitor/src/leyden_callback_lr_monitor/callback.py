"""``LearningRateMonitor``: writes learning rates to the loggers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.api.record import Record
from leyden.api.warn import LeydenWarning, warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean
from leyden_callback_lr_monitor.names import Named, named

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

INTERVALS = ("step", "epoch")


class LearningRateMonitor(Callback):
    """Writes the learning rate of every parameter group to the loggers, and puts it into ``callback_metrics``.

    Names are ``lr-<optimizer's class>`` or the scheduler's ``name``; ``-1``, ``-2`` … follow where a class occurs
    again, ``/<name>`` or ``/pg1``, ``/pg2`` … where there are several parameter groups. Momenta and weight decays are
    called the same with ``-momentum`` and ``-weight_decay`` after it. The x-axis is that of training metrics, updates.

    Args:
        logging_interval: write before training batches (``"step"``, every ``log_every_n_steps``), when epochs begin
            (``"epoch"``), or each scheduler at its own interval (``None``); optimizers without one then at both.
        log_momentum: write momenta too; that of Adam and its like is the first beta.
        log_weight_decay: write weight decays too.

    Attributes:
        lrs: all learning rates written in this fit, by name.
        last_momentum_values: the momenta written last, by name.
        last_weight_decay_values: the weight decays written last, by name.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible; in ``fit``, the Trainer has no logger, or
            parameter groups of one optimizer share a name.
    """

    def __init__(
        self,
        logging_interval: str | None = None,
        log_momentum: bool = False,
        log_weight_decay: bool = False,
    ) -> None:
        self.logging_interval = _interval(logging_interval)
        self.log_momentum = _flag("log_momentum", log_momentum)
        self.log_weight_decay = _flag("log_weight_decay", log_weight_decay)
        self.lrs: dict[str, list[float]] = {}
        self.last_momentum_values: dict[str, float | None] = {}
        self.last_weight_decay_values: dict[str, float | None] = {}

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit" and not trainer.loggers and not trainer.fast_dev_run:
            raise ConfigurationError(
                "LearningRateMonitor needs a logger, and this Trainer has none. Pass logger=True or a logger to "
                "Trainer, or leave the callback out."
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        found = named(trainer.lr_scheduler_configs, trainer.optimizers)
        names = [name for one in found for name in one.groups]
        self.lrs = {name: [] for name in names}
        self.last_momentum_values = {f"{name}-momentum": None for name in names}
        self.last_weight_decay_values = {f"{name}-weight_decay": None for name in names}
        if self.log_momentum:
            _warn_of_absent(found, "log_momentum", ("momentum", "betas"))
        if self.log_weight_decay:
            _warn_of_absent(found, "log_weight_decay", ("weight_decay",))

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.logging_interval != "epoch" and _due(trainer):
            self._write(trainer, pl_module, "step")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.logging_interval != "step":
            self._write(trainer, pl_module, "epoch")

    # -- values --------------------------------------------------------------------------------------------------

    def _write(self, trainer: Trainer, pl_module: LightningModule, interval: str) -> None:
        values = dict(self._values(trainer, interval))
        session = trainer.session
        if not values or session is None:
            return
        import torch

        counters = trainer.run_state.counters
        tensors = torch.tensor(list(values.values()), device=trainer.strategy.root_device).unbind()
        session.metrics.callback.update(zip(values, tensors, strict=True))
        session.metrics.born.update(dict.fromkeys(values, counters.batches))
        if session.hooks.leyden_log_metrics and trainer.is_global_zero:
            record = Record(
                values, counters.updates, counters.epoch, counters.batches, "train", with_epoch=False
            )
            session.hooks.leyden_log_metrics(trainer, pl_module, record)

    def _values(self, trainer: Trainer, interval: str) -> Iterator[tuple[str, float]]:
        for one in named(trainer.lr_scheduler_configs, trainer.optimizers):
            self._keep_history(one)
            if self.logging_interval is not None or one.interval in (None, interval):
                for name, group in one.groups.items():
                    yield from self._of_group(name, group)

    def _of_group(self, name: str, group: dict[str, Any]) -> Iterator[tuple[str, float]]:
        rate = float(group["lr"])
        self.lrs[name].append(rate)
        yield name, rate
        if self.log_momentum:
            momentum = float(group["betas"][0] if "betas" in group else group.get("momentum", 0))
            self.last_momentum_values[f"{name}-momentum"] = momentum
            yield f"{name}-momentum", momentum
        if self.log_weight_decay:
            decay = float(group.get("weight_decay", 0))
            self.last_weight_decay_values[f"{name}-weight_decay"] = decay
            yield f"{name}-weight_decay", decay

    def _keep_history(self, one: Named) -> None:
        """Parameter groups may be added in the middle of a fit: what was ``lr-SGD`` is ``lr-SGD/pg1`` then."""
        for name in one.groups:
            if name not in self.lrs:
                self.lrs[name] = self.lrs.pop(name.removesuffix("/pg1"), [])


def _due(trainer: Trainer) -> bool:
    """Whether the batch that begins is one whose metrics are written."""
    every = trainer.log_every_n_steps
    return every > 0 and ((trainer.run_state.counters.updates + 1) % every == 0 or trainer.should_stop)


class AbsentValueWarning(LeydenWarning, RuntimeWarning):
    """What is to be monitored is not there."""


def _warn_of_absent(found: list[Named], argument: str, keys: tuple[str, ...]) -> None:
    without = [
        name for one in found for name, group in one.groups.items() if not any(key in group for key in keys)
    ]
    if without:
        warn(
            "lr-monitor-absent",
            f"LearningRateMonitor({argument}=True): {', '.join(without)} has no {' or '.join(keys)}; 0 is written.",
            AbsentValueWarning,
        )


def _interval(value: Any) -> str | None:
    allowed = "'step', 'epoch' or None"
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError.about("logging_interval", value, allowed)
    if value is not None and value not in INTERVALS:
        raise ConfigurationError.about("logging_interval", value, allowed, did_you_mean(value, INTERVALS))
    return value


def _flag(argument: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArgumentTypeError.about(argument, value, "True or False")
    return value
