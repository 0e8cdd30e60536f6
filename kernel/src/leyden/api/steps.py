"""Automatic and manual optimization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim import LBFGS, Optimizer

from leyden.api.arguments import checked, step_arguments
from leyden.api.optimizers import Configured, LightningOptimizer, LRSchedulerConfig
from leyden.api.warn import LeydenRuntimeWarning, warn
from leyden.errors import UserCodeError
from leyden.interfaces.precision import Precision
from leyden.interfaces.step import StepScheme
from leyden.interfaces.strategy import Strategy
from leyden.plugins.errors import ConfigurationError, did_you_mean, listed, shown

if TYPE_CHECKING:
    from leyden.api.session import Session


class TorchStep(StepScheme):
    """What automatic and manual optimization share: optimizers, schedulers, backward.

    Args:
        session: the running session.
        configured: the module's optimizers and schedulers, as the strategy took them.
    """

    def __init__(self, session: Session, configured: Configured) -> None:
        super().__init__(session)
        self.session: Session = session
        self.state = session.state
        self.module = module = session.module
        self.trainer = session.trainer
        self.hooks = session.hooks
        self.metrics = session.metrics
        self.strategy = session.strategy
        self.precision = session.strategy.precision
        self.optimizers: list[Optimizer] = configured.optimizers
        self.wrapped = [LightningOptimizer(one, self.step_optimizer, module) for one in self.optimizers]
        self.schedulers: list[LRSchedulerConfig] = configured.schedulers
        self.scheduler_steps = 0
        self.training_step = step_arguments(
            module, "training_step", session.strategy.bind_step("training_step")
        )
        self.own_backward = checked(module, "backward", _base(), 1)
        self.own_schedule = checked(module, "lr_scheduler_step", _base(), 2)
        self.scale = changed(self.precision, Precision, "scale")
        self.unscale = changed(self.precision, Precision, "unscale")
        self.apply = changed(self.precision, Precision, "step")
        self.strategy_backward = changed(self.strategy, Strategy, "backward")
        self.own_way_back = bool(self.scale or self.own_backward or self.strategy_backward)

    def take_optimizers(self, optimizers: Sequence[Optimizer]) -> None:
        """Go on with other optimizers, in place of those that ``configure_optimizers`` returned."""
        self.optimizers[:] = optimizers
        self.wrapped[:] = [LightningOptimizer(one, self.step_optimizer, self.module) for one in optimizers]

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Scale and differentiate a loss, between its two hooks."""
        if not isinstance(loss, Tensor):
            raise UserCodeError(f"manual_backward got {shown(loss)}; a loss is a tensor.")
        hooks = self.hooks
        if self.scale:
            loss = self.scale(loss)
        if hooks.on_before_backward:
            hooks.on_before_backward(self.trainer, self.module, loss)
        if self.own_backward:
            self.in_hook("backward", self.own_backward, loss, *args, **kwargs)
        elif self.strategy_backward:
            self.strategy_backward(loss, *args, **kwargs)
        else:
            loss.backward(*args, **kwargs)
        if hooks.on_after_backward:
            hooks.on_after_backward(self.trainer, self.module)

    def step_optimizer(
        self, optimizer: Optimizer, closure: Callable[[], Any] | None = None, **kwargs: Any
    ) -> Any:
        """Step one optimizer and count it."""
        raise NotImplementedError

    def in_hook(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of the module so that ``self.log`` in it knows where it is."""
        state = self.state
        outer, state.hook = state.hook, name
        try:
            return call(*args, **kwargs)
        finally:
            state.hook = outer

    def schedule(self, interval: str, *, plateau: bool) -> None:
        """Step the schedulers of an interval whose frequency is due: those that watch a metric, or the others."""
        done = (self.state.counters.epoch if interval == "epoch" else self.state.batch_idx) + 1
        for config in self.schedulers:
            if (
                config.reduce_on_plateau is plateau
                and config.interval == interval
                and done % config.frequency == 0
            ):
                self._step_scheduler(config)

    def _step_scheduler(self, config: LRSchedulerConfig) -> None:
        metric = self._monitored(config) if config.reduce_on_plateau else None
        self.scheduler_steps += 1
        if config.reduce_on_plateau and metric is None:
            return
        if self.own_schedule:
            self.in_hook("lr_scheduler_step", self.own_schedule, config.scheduler, metric)
        elif metric is None:
            config.scheduler.step()
        else:
            config.scheduler.step(metric)

    def _monitored(self, config: LRSchedulerConfig) -> Any:
        metrics = self.trainer.callback_metrics
        assert config.monitor is not None
        if config.monitor in metrics:
            return metrics[config.monitor]
        text = (
            f"lr_scheduler monitors {config.monitor!r}, which was not logged; logged: {listed(metrics)}. "
            f"{did_you_mean(config.monitor, metrics)}"
        ).rstrip()
        if config.strict:
            raise ConfigurationError(f"{text} Log it, or set 'strict': False beside 'scheduler'.")
        warn("scheduler-monitor", f"{text} The scheduler is not stepped.", LeydenRuntimeWarning)
        return None


class AutomaticStep(TorchStep):
    """``training_step`` returns a loss, and the rest follows."""

    optimizer_idx: int = 0

    def __init__(self, session: Session, configured: Configured) -> None:
        super().__init__(session, configured)
        module, optimizer = self.module, self.optimizers[0]
        self.optimizer = optimizer
        self.own_step = checked(module, "optimizer_step", _base(), 4)
        self.own_zero_grad = checked(module, "optimizer_zero_grad", _base(), 3)
        self.own_way_to_zero = bool(self.own_zero_grad)
        self.own_clipping = checked(module, "configure_gradient_clipping", _base(), 3)
        self.needs_closure = bool(self.own_step) or wants_closure(optimizer)
        self.intervenes = bool(self.unscale or self.own_clipping)
        self.result: Any = None

    def take_optimizers(self, optimizers: Sequence[Optimizer]) -> None:
        """Go on with another optimizer."""
        super().take_optimizers(optimizers)
        self.optimizer = self.optimizers[0]
        self.needs_closure = bool(self.own_step) or wants_closure(self.optimizer)

    def __call__(self, batch: Any, batch_idx: int) -> Any:
        """One batch: forward → zero → backward, and when the window closes unscale → clip → step → schedule.

        The order is Lightning's: gradients of the last update are released after ``training_step``, before backward.
        Verbs with nothing to do but torch's part are not called, here and in :meth:`gradients`: four calls and 80
        bytecode instructions a step fewer, of 11 calls and 362 instructions.
        """
        state, counters, trainer, hooks = self.state, self.state.counters, self.trainer, self.hooks
        window = trainer.accumulate_grad_batches
        closes = window == 1 or state.is_last_batch or (counters.batch + 1) % window == 0
        self.accumulating = not closes
        if not closes and not self.strategy.handles_gradient_accumulation:
            with self.strategy.no_sync():
                self.gradients(batch, batch_idx, window)
        elif self.needs_closure:
            self.step_through_user(batch, batch_idx, window)
        else:
            self.gradients(batch, batch_idx, window)
            if self.intervenes or hooks.on_before_optimizer_step or trainer.gradient_clip_val:
                self.before_step(self.optimizer)
            self.step()
            counters.optimizer_steps += 1
        if self.schedulers:
            self.after_update(closes)
        if closes and hooks.leyden_update_end:
            hooks.leyden_update_end(trainer, self.module, batch_idx)
        return self.result

    def gradients(self, batch: Any, batch_idx: int, window: int) -> Tensor | None:
        """forward → zero → backward. Returns the loss, divided by the window; ``None`` skips backward."""
        state, hooks = self.state, self.hooks
        outer, state.hook = state.hook, "training_step"
        self.result = result = self.training_step(batch, batch_idx)
        if self.metrics.pending:
            self.metrics.drain()
        state.hook = outer
        loss = result if result.__class__ is Tensor else loss_of(result)
        if window != 1 and loss is not None:
            loss = loss / window
            self.result = with_loss(result, loss)
        if window == 1 or state.counters.batch % window == 0:
            if self.own_way_to_zero or hooks.on_before_zero_grad:
                self.zero_grad(batch_idx)
            else:
                self.optimizer.zero_grad()
        if loss is not None:
            if loss.ndim or not loss.requires_grad:
                check_loss(loss)
            if self.own_way_back or hooks.on_before_backward or hooks.on_after_backward:
                self.backward(loss)
            else:
                loss.backward()
        else:
            self.strategy.no_backward()
        return loss

    def zero_grad(self, batch_idx: int) -> None:
        """Release the gradients of the last update."""
        if self.hooks.on_before_zero_grad:
            self.hooks.on_before_zero_grad(self.trainer, self.module, self.optimizer)
        if self.own_zero_grad:
            epoch = self.state.counters.epoch
            self.in_hook("optimizer_zero_grad", self.own_zero_grad, epoch, batch_idx, self.optimizer)
        else:
            self.optimizer.zero_grad()

    def before_step(self, optimizer: Optimizer) -> None:
        """unscale → hooks → clip."""
        trainer = self.trainer
        if self.unscale:
            self.unscale(optimizer)
        if self.hooks.on_before_optimizer_step:
            self.hooks.on_before_optimizer_step(trainer, self.module, optimizer)
        value, algorithm = trainer.gradient_clip_val, trainer.gradient_clip_algorithm
        if self.own_clipping:
            self.in_hook("configure_gradient_clipping", self.own_clipping, optimizer, value, algorithm)
        elif value:
            self.in_hook(
                "configure_gradient_clipping", self.module.clip_gradients, optimizer, value, algorithm
            )

    def step(self) -> None:
        """Apply the gradients."""
        if self.apply:
            self.apply(self.optimizer)
        else:
            self.optimizer.step()

    def step_through_user(self, batch: Any, batch_idx: int, window: int) -> None:
        """Let ``LightningModule.optimizer_step``, or an optimizer that evaluates several times, drive the batch."""
        called = []

        def closure() -> Any:
            called.append(True)
            return self.gradients(batch, batch_idx, window)

        epoch, optimizer = self.state.counters.epoch, self.wrapped[self.optimizer_idx]
        if self.own_step:
            self.in_hook("optimizer_step", self.own_step, epoch, batch_idx, optimizer, closure)
        else:
            optimizer.step(closure)
        self.state.counters.optimizer_steps += 1
        if not called:
            self.closure_not_called()

    def closure_not_called(self) -> None:
        """``optimizer_step`` did not call its closure.

        Raises:
            leyden.errors.UserCodeError: always.
        """
        raise UserCodeError(
            "optimizer_step did not call its optimizer_closure, so no loss was computed. Pass it on: "
            "optimizer.step(closure=optimizer_closure)."
        )

    def step_optimizer(
        self, optimizer: Optimizer, closure: Callable[[], Any] | None = None, **kwargs: Any
    ) -> Any:
        """What ``optimizer.step(closure)`` does inside ``optimizer_step``."""
        compute = closure or _nothing

        def complete() -> Any:
            loss = compute()
            self.before_step(optimizer)
            return loss

        return self.precision.step_with_closure(optimizer, complete, **kwargs)

    def after_update(self, closes: bool) -> None:
        """Schedulers that watch nothing: after an update, and after the epoch's last batch."""
        if closes:
            self.schedule("step", plateau=False)
        if self.state.is_last_batch:
            self.schedule("epoch", plateau=False)

    def outputs(self, result: Any) -> Any:
        """A dict with the detached loss (divided by the window) and what else was returned; empty when skipped."""
        if result is None:
            return {}
        if isinstance(result, Mapping):
            return {
                key: value.detach() if isinstance(value, Tensor) else value for key, value in result.items()
            }
        return {"loss": result.detach()}


class ManualStep(TorchStep):
    """``training_step`` steps its optimizers itself."""

    def __call__(self, batch: Any, batch_idx: int) -> Any:
        """Run ``training_step``; whatever it returns goes to ``on_train_batch_end``."""
        state = self.state
        outer, state.hook = state.hook, "training_step"
        result = self.training_step(batch, batch_idx)
        if self.metrics.pending:
            self.metrics.drain()
        state.hook = outer
        if self.hooks.leyden_update_end:
            self.hooks.leyden_update_end(self.trainer, self.module, batch_idx)
        return result

    def step_optimizer(
        self, optimizer: Optimizer, closure: Callable[[], Any] | None = None, **kwargs: Any
    ) -> Any:
        """unscale → hook → step, counted; a closure computes the gradients first."""

        def complete() -> Any:
            loss = closure() if closure is not None else None
            self._before(optimizer)
            return loss

        if closure is not None:
            result = self.precision.step_with_closure(optimizer, complete, **kwargs)
        else:
            complete()
            result = self.apply(optimizer) if self.apply else optimizer.step(**kwargs)
        self.state.counters.optimizer_steps += 1
        return result

    def schedule(self, interval: str, *, plateau: bool) -> None:
        """Nothing: the user steps the schedulers, too."""

    def _before(self, optimizer: Optimizer) -> None:
        if self.unscale:
            self.unscale(optimizer)
        if self.hooks.on_before_optimizer_step:
            self.hooks.on_before_optimizer_step(self.trainer, self.module, optimizer)

    def outputs(self, result: Any) -> Any:
        """What ``training_step`` returned, detached; an empty dict for ``None``."""
        if isinstance(result, Tensor):
            return {"loss": result.detach()}
        if isinstance(result, Mapping):
            return {
                key: value.detach() if isinstance(value, Tensor) else value for key, value in result.items()
            }
        return {} if result is None else result


def changed(component: Any, base: type, name: str) -> Callable[..., Any] | None:
    """A component's method when it differs from the base class's, else ``None``: what does nothing is not called."""
    return None if getattr(type(component), name) is getattr(base, name) else getattr(component, name)


def wants_closure(optimizer: Optimizer) -> bool:
    """Whether an optimizer's step must be handed a closure.

    torch's own optimizers, LBFGS aside, evaluate a closure once and first, so computing gradients before ``step()`` is
    the same and saves two context managers a step; with step hooks, or of foreign make, they get their closure.
    """
    home = type(optimizer).step.__module__
    hooked = bool(getattr(optimizer, "_optimizer_step_pre_hooks", None))
    return isinstance(optimizer, LBFGS) or hooked or not home.startswith(("torch.optim", "leyden."))


def loss_of(result: Any) -> Tensor | None:
    """The loss in what ``training_step`` returned.

    Raises:
        leyden.errors.UserCodeError: there is none; the message says what may be returned.
    """
    if result is None:
        return None
    loss = result.get("loss") if isinstance(result, Mapping) else result
    if isinstance(loss, Tensor):
        return loss
    raise UserCodeError(
        f"training_step returned {shown(result)}; allowed are a tensor, a mapping with a tensor under 'loss', or None."
    )


def check_loss(loss: Tensor) -> None:
    """Refuse a loss that cannot be differentiated."""
    if loss.numel() != 1:
        raise UserCodeError(
            f"training_step returned a loss of shape {tuple(loss.shape)}; allowed is one element. "
            "Reduce it, e.g. with .mean()."
        )
    if not loss.requires_grad:
        raise UserCodeError(
            f"training_step returned a loss ({loss.dtype}) that depends on no parameter that requires "
            "gradients. It was "
            "detached, computed under no_grad, or every parameter is frozen; return None to skip a batch."
        )


def with_loss(result: Any, loss: Tensor) -> Any:
    """The result with its loss replaced."""
    return {**result, "loss": loss} if isinstance(result, Mapping) else loss


def _nothing() -> None:
    return None


def _base() -> type:
    from leyden.api.module import LightningModule

    return LightningModule
