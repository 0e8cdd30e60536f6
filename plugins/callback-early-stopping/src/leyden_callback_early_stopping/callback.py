"""``EarlyStopping``: ends a fit when a metric says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from leyden import Callback
from leyden.api.rank_zero import log, rank_zero_info
from leyden.api.warn import warn
from leyden.errors import ConfigurationError, UserCodeError
from leyden.plugins.errors import did_you_mean, listed
from leyden_callback_early_stopping import arguments
from leyden_callback_early_stopping.reason import EarlyStoppingReason

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class EarlyStopping(Callback):
    """Looks at a metric after each epoch (or validation) and asks for the end of the fit.

    It stops when the metric is not finite, when it is better than ``stopping_threshold``, when it is worse than
    ``divergence_threshold``, or when it has not improved in ``patience`` checks, in this order. A value that was
    judged before is not judged again: only checks with a new value count. When one process decides, all stop.

    Args:
        monitor: the metric.
        min_delta: how much better than the best a value must be to count as an improvement.
        patience: checks without improvement after which the fit ends.
        verbose: say when the metric improves, and why the fit ends.
        mode: ``"min"`` when small values are good, ``"max"`` when large ones are.
        strict: raise when the metric was never logged; otherwise that check is left out.
        check_finite: stop when the metric is NaN or infinite.
        stopping_threshold: stop as soon as the metric is better than this.
        divergence_threshold: stop as soon as the metric is worse than this.
        check_on_train_epoch_end: check at the end of training epochs rather than of validation; by default where
            each epoch ends with validation, or nothing is validated.
        log_rank_zero_only: with several processes, speak on rank zero alone.

    Attributes:
        best_score: the best value so far, a scalar tensor.
        wait_count: checks since then.
        stopped_epoch: the epoch in which the fit was stopped, else 0.
        stopping_reason: why.
        stopping_reason_message: why, as a sentence.

    Raises:
        leyden.errors.ConfigurationError: an argument, or a pair of arguments, is not possible.
    """

    leyden_monitors: ClassVar[bool] = True
    mode_dict: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"min": torch.lt, "max": torch.gt}
    order_dict: ClassVar[Mapping[str, str]] = {"min": "<", "max": ">"}

    def __init__(
        self,
        monitor: str,
        min_delta: float = 0.0,
        patience: int = 3,
        verbose: bool = False,
        mode: str = "min",
        strict: bool = True,
        check_finite: bool = True,
        stopping_threshold: float | None = None,
        divergence_threshold: float | None = None,
        check_on_train_epoch_end: bool | None = None,
        log_rank_zero_only: bool = False,
    ) -> None:
        self.monitor = arguments.metric("monitor", monitor)
        self.mode = arguments.choice("mode", mode, tuple(self.mode_dict))
        delta = arguments.distance("min_delta", min_delta)
        self.min_delta = delta if mode == "max" else -delta
        self.patience = arguments.count("patience", patience)
        self.verbose: bool = arguments.flag("verbose", verbose)
        self.strict: bool = arguments.flag("strict", strict)
        self.check_finite: bool = arguments.flag("check_finite", check_finite)
        self.stopping_threshold = arguments.threshold("stopping_threshold", stopping_threshold)
        self.divergence_threshold = arguments.threshold("divergence_threshold", divergence_threshold)
        when = arguments.flag("check_on_train_epoch_end", check_on_train_epoch_end, optional=True)
        self._asked_on_train_epoch_end: bool | None = when
        self._check_on_train_epoch_end: bool | None = when
        self.log_rank_zero_only: bool = arguments.flag("log_rank_zero_only", log_rank_zero_only)
        self.wait_count = self.stopped_epoch = 0
        self.best_score = torch.tensor(torch.inf if mode == "min" else -torch.inf)
        self.stopping_reason = EarlyStoppingReason.NOT_STOPPED
        self.stopping_reason_message: str | None = None
        self._judged_at: int | None = None
        self._check_thresholds()

    def _check_thresholds(self) -> None:
        good, bad = self.stopping_threshold, self.divergence_threshold
        if good is None or bad is None:
            return
        if bad <= good if self.mode == "min" else bad >= good:
            side = "above" if self.mode == "min" else "below"
            allowed = f"a number {side} stopping_threshold={good!r} with mode={self.mode!r}"
            remedy = "As it is, every value would stop the fit."
            raise ConfigurationError.about("divergence_threshold", bad, allowed, remedy)

    @property
    def monitor_op(self) -> Callable[..., Tensor]:
        """Whether the first of two tensors is better."""
        return self.mode_dict[self.mode]

    @property
    def state_key(self) -> str:
        return self._generate_state_key(monitor=self.monitor, mode=self.mode)

    # -- hooks -----------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._judged_at = None
        asked = self._asked_on_train_epoch_end
        each_epoch = trainer.val_check_interval == 1.0 and trainer.check_val_every_n_epoch == 1
        validates = stage == "fit" and trainer.enable_validation
        self._check_on_train_epoch_end = (each_epoch or not validates) if asked is None else asked
        if asked is False and stage == "fit" and not validates:
            warn(
                "early-stopping-never",
                "EarlyStopping(check_on_train_epoch_end=False) checks when validation ends, and nothing is validated: "
                "it never stops the fit. Leave the argument out.",
            )

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._check_on_train_epoch_end:
            self._run_early_stopping_check(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._check_on_train_epoch_end:
            self._run_early_stopping_check(trainer)

    def _run_early_stopping_check(self, trainer: Trainer) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking or trainer.fast_dev_run:
            return
        produced = trainer.metric_batch(self.monitor)
        if produced is None:
            self._missing(list(trainer.callback_metrics))
        elif produced != self._judged_at:
            self._judged_at = produced
            self._judge(trainer, trainer.callback_metrics[self.monitor].detach().squeeze())

    def _missing(self, names: list[str]) -> None:
        text = (
            f"EarlyStopping(monitor={self.monitor!r}): no metric of that name was logged; there are {listed(names)}. "
            f"{did_you_mean(self.monitor, names)}"
        )
        if self.strict:
            raise UserCodeError(
                f"{text.rstrip()} Log it with self.log({self.monitor!r}, value), monitor one that is there, or pass "
                "strict=False to wait for it."
            )
        if self.verbose:
            warn("early-stopping-monitor", f"{text.rstrip()} It is not checked.")

    def _judge(self, trainer: Trainer, current: Tensor) -> None:
        own, message = self._evaluate_stopping_criteria(current)
        stop = bool(trainer.strategy.reduce_boolean_decision(own, all=False))
        if stop:
            trainer.should_stop = True
            self.stopped_epoch = trainer.current_epoch
            self.stopping_reason_message = message if own else "Another process decided to stop."
        if message and self.verbose:
            self._say(trainer, message)

    # -- criteria --------------------------------------------------------------------------------------------

    def _evaluate_stopping_criteria(self, current: Tensor) -> tuple[bool, str | None]:
        """Judge a value: whether it stops the fit, and what there is to say."""
        found = self._verdict(current)
        if found is not None:
            self.stopping_reason, message = found
            return True, f"{message} Stopping."
        if self._improves(current):
            message = self._improvement(current)
            self.best_score, self.wait_count = current.clone(), 0
            return False, message
        self.wait_count += 1
        if self.wait_count < self.patience:
            return False, None
        self.stopping_reason = EarlyStoppingReason.PATIENCE_EXHAUSTED
        checks = f"{self.wait_count} check{'' if self.wait_count == 1 else 's'}"
        return (
            True,
            f"{self.monitor} has not improved in {checks}; the best was {_short(self.best_score)}. Stopping.",
        )

    def _verdict(self, current: Tensor) -> tuple[EarlyStoppingReason, str] | None:
        """What speaks for stopping at once."""
        better, good, bad = self.monitor_op, self.stopping_threshold, self.divergence_threshold
        sign, name, value = self.order_dict[self.mode], self.monitor, _short(current)
        if self.check_finite and not torch.isfinite(current):
            message = f"{name} = {value} is not finite; the best was {_short(self.best_score)}."
            return EarlyStoppingReason.NON_FINITE_METRIC, message
        if good is not None and better(current, good):
            message = f"{name} = {value} {sign} {good} meets stopping_threshold."
            return EarlyStoppingReason.STOPPING_THRESHOLD, message
        if bad is not None and better(-current, -bad):
            message = f"{name} = {value} is worse than divergence_threshold = {bad}."
            return EarlyStoppingReason.DIVERGENCE_THRESHOLD, message
        return None

    def _improves(self, current: Tensor) -> bool:
        return bool(self.monitor_op(current - self.min_delta, self.best_score.to(current.device)))

    def _improvement(self, current: Tensor) -> str:
        if not torch.isfinite(self.best_score):
            return f"{self.monitor} is {_short(current)}, the first value."
        gain = abs(self.best_score.to(current.device) - current)
        return f"{self.monitor} improved by {_short(gain)} to {_short(current)}."

    def _say(self, trainer: Trainer, message: str) -> None:
        if trainer.world_size > 1 and not self.log_rank_zero_only:
            log.info(f"[rank {trainer.global_rank}] {message}")
        else:
            rank_zero_info(message)

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {
            "wait_count": self.wait_count,
            "stopped_epoch": self.stopped_epoch,
            "best_score": self.best_score,
            "patience": self.patience,
            "stopping_reason": self.stopping_reason.value,
            "stopping_reason_message": self.stopping_reason_message,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # Not the patience: whoever resumes with another one wants it.
        self.wait_count = state_dict["wait_count"]
        self.stopped_epoch = state_dict["stopped_epoch"]
        self.best_score = state_dict["best_score"]
        reason = state_dict.get("stopping_reason", EarlyStoppingReason.NOT_STOPPED)
        self.stopping_reason = EarlyStoppingReason(reason)
        self.stopping_reason_message = state_dict.get("stopping_reason_message")

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        # Beside the state, whose keys are those of Lightning's format.
        own = checkpoint.setdefault("leyden", {}).setdefault("callbacks", {})
        own[self.state_key] = {"judged_at": self._judged_at}

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        own = checkpoint.get("leyden", {}).get("callbacks", {}).get(self.state_key, {})
        self._judged_at = own.get("judged_at")


def _short(value: Tensor) -> str:
    return f"{float(value):.5g}"
