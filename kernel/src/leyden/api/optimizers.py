"""What ``configure_optimizers`` returns, in one form; and optimizers as users step them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from leyden.api.warn import LeydenRuntimeWarning, warn
from leyden.errors import UserCodeError
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, listed, nearest, shown

if TYPE_CHECKING:
    from leyden.api.module import LightningModule

RETURNS = (
    "an optimizer, a list of optimizers, (optimizers, schedulers), a dict with 'optimizer' and perhaps 'lr_scheduler', "
    "a list of such dicts, or None"
)


@dataclass
class LRSchedulerConfig:
    """A learning-rate scheduler and when it steps.

    Attributes:
        scheduler: the scheduler.
        name: its name in logs; derived from the optimizer when ``None``.
        interval: ``"epoch"`` or ``"step"`` (an update).
        frequency: every so many intervals.
        monitor: the metric that it watches.
        strict: whether a missing metric is an error.
        reduce_on_plateau: whether ``step`` takes the metric.
    """

    scheduler: Any
    name: str | None = None
    interval: str = "epoch"
    frequency: int = 1
    reduce_on_plateau: bool = False
    monitor: str | None = None
    strict: bool = True

    def __post_init__(self) -> None:
        if self.interval not in ("step", "epoch"):
            raise ConfigurationError.about("lr_scheduler['interval']", self.interval, "'step' or 'epoch'")
        if isinstance(self.frequency, bool) or not isinstance(self.frequency, int) or self.frequency < 1:
            raise ConfigurationError.about(
                "lr_scheduler['frequency']", self.frequency, "an int of at least 1"
            )
        if self.monitor is not None and not isinstance(self.monitor, str):
            raise ConfigurationError.about("lr_scheduler['monitor']", self.monitor, "the name of a metric")
        if not isinstance(self.strict, bool):
            raise ConfigurationError.about("lr_scheduler['strict']", self.strict, "True or False")
        if isinstance(self.scheduler, type):
            remedy = f"Call it: {self.scheduler.__name__}(optimizer, …)."
            raise ConfigurationError.about("lr_scheduler", self.scheduler, "a scheduler", remedy)


_KEYS = ("scheduler", "name", "interval", "frequency", "reduce_on_plateau", "monitor", "strict")


_OPTIMIZER_KEYS = ("optimizer", "lr_scheduler", "monitor", "frequency")


@dataclass
class Configured:
    """Optimizers and schedulers of a module; ``frequencies`` are those of alternating optimizers, or empty."""

    optimizers: list[Optimizer]
    schedulers: list[LRSchedulerConfig]
    frequencies: list[int]


def configure(module: LightningModule) -> Configured:
    """Call ``configure_optimizers`` and bring its return into one form.

    Raises:
        leyden.errors.UserCodeError: it returned something else; the message says what is allowed.
        leyden.errors.ConfigurationError: a scheduler's settings are wrong.
    """
    found = _parse(module.configure_optimizers())
    automatic = module.automatic_optimization
    _check(module, found)
    if not automatic:
        for config in found.schedulers:
            _without_automatic(config)
    if not found.optimizers:
        warn("no-optimizer", "configure_optimizers returned None: this fit trains nothing.")
        found.optimizers = [NoOptimizer()]
    return found


def _parse(returned: Any) -> Configured:
    if returned is None:
        return Configured([], [], [])
    if isinstance(returned, Optimizer):
        return Configured([returned], [], [])
    if isinstance(returned, Mapping):
        return _of_dicts([returned])
    if isinstance(returned, Sequence) and not isinstance(returned, str):
        return _of_sequence(returned)
    raise _wrong(returned)


def _of_sequence(returned: Sequence[Any]) -> Configured:
    if len(returned) == 2 and all(isinstance(one, list | tuple) for one in returned):
        optimizers, schedulers = returned
        if not optimizers or not all(isinstance(one, Optimizer) for one in optimizers):
            raise _wrong(returned)
        return Configured(list(optimizers), [_scheduler(one, None) for one in schedulers], [])
    if returned and all(isinstance(one, Optimizer) for one in returned):
        return Configured(list(returned), [], [])
    if returned and all(isinstance(one, Mapping) for one in returned):
        return _of_dicts(returned)
    raise _wrong(returned)


def _wrong(returned: Any) -> UserCodeError:
    return UserCodeError(f"configure_optimizers returned {shown(returned)}; allowed is {RETURNS}.")


def _of_dicts(dicts: Sequence[Mapping[str, Any]]) -> Configured:
    optimizers, schedulers, frequencies = [], [], []
    for one in dicts:
        optimizer = one.get("optimizer")
        if not isinstance(optimizer, Optimizer):
            raise UserCodeError(
                f"configure_optimizers returned {shown(dict(one))}: its key 'optimizer' must hold a torch optimizer."
            )
        unknown = [key for key in one if key not in _OPTIMIZER_KEYS]
        if unknown:
            _refuse_misspelling("configure_optimizers", unknown, _OPTIMIZER_KEYS)
            warn(
                "optimizer-keys",
                f"configure_optimizers: the keys {listed(map(str, unknown))} mean nothing and are ignored.",
                LeydenRuntimeWarning,
            )
        optimizers.append(optimizer)
        if "frequency" in one:
            frequencies.append(one["frequency"])
        if one.get("lr_scheduler") is not None:
            schedulers.append(_scheduler(one["lr_scheduler"], one.get("monitor")))
    if frequencies and len(frequencies) != len(optimizers):
        raise UserCodeError("configure_optimizers: either every optimizer has a 'frequency' or none has.")
    return Configured(optimizers, schedulers, frequencies)


def _refuse_misspelling(where: str, unknown: list[Any], known: Sequence[str]) -> None:
    for key in unknown:
        meant = nearest(str(key), known)
        if meant is not None:
            raise ConfigurationError(f"{where}: there is no key {key!r}. Did you mean {meant!r}?")


def _scheduler(given: Any, monitor: str | None) -> LRSchedulerConfig:
    if isinstance(given, LRSchedulerConfig):
        return given
    settings = dict(given) if isinstance(given, Mapping) else {"scheduler": given}
    unknown = [key for key in settings if key not in _KEYS]
    if unknown:
        _refuse_misspelling("lr_scheduler", unknown, _KEYS)
        hint = ""
        warn(
            "scheduler-keys",
            f"lr_scheduler: the keys {listed(map(str, unknown))} mean nothing and are ignored. {hint}".rstrip(),
            LeydenRuntimeWarning,
        )
    if (
        type(settings.get("scheduler")).__name__ == "OneCycleLR"
        and settings.get("interval", "epoch") == "epoch"
    ):
        warn(
            "scheduler-interval",
            "lr_scheduler: OneCycleLR counts batches, and is stepped once an epoch. Set 'interval': 'step'.",
            LeydenRuntimeWarning,
        )
    if "scheduler" not in settings:
        raise ConfigurationError(
            f"lr_scheduler={shown(settings)} is not possible: its key 'scheduler' is missing."
        )
    scheduler = settings["scheduler"]
    config = LRSchedulerConfig(**{key: value for key, value in settings.items() if key in _KEYS})
    config.monitor = config.monitor if config.monitor is not None else monitor
    config.__post_init__()
    config.reduce_on_plateau = bool(
        settings.get("reduce_on_plateau", isinstance(scheduler, ReduceLROnPlateau))
    )
    return config


def _check(module: LightningModule, found: Configured) -> None:
    from leyden.api.module import LightningModule as Base

    for config in found.schedulers:
        scheduler = config.scheduler
        if not hasattr(scheduler, "state_dict") or not hasattr(scheduler, "load_state_dict"):
            raise ArgumentTypeError(
                f"lr_scheduler={shown(scheduler)} is not possible: a scheduler has state_dict and load_state_dict."
            )
        if module.automatic_optimization and config.reduce_on_plateau and config.monitor is None:
            raise ConfigurationError(
                f"lr_scheduler={type(scheduler).__name__} watches a metric: name it with 'monitor' beside 'scheduler'."
            )
        own_step = module.automatic_optimization and type(module).lr_scheduler_step is Base.lr_scheduler_step
        if own_step and not isinstance(scheduler, LRScheduler | ReduceLROnPlateau):
            raise ConfigurationError(
                f"lr_scheduler={type(scheduler).__name__} is no torch scheduler: override lr_scheduler_step to step it."
            )
        optimizer = getattr(scheduler, "optimizer", None)
        if optimizer is not None and not any(optimizer is one for one in found.optimizers):
            raise ConfigurationError(
                f"lr_scheduler={type(scheduler).__name__} belongs to an optimizer that "
                "configure_optimizers did not return."
            )


def refuse_several(found: Configured) -> None:
    """Refuse several optimizers, which only older step schemes step by themselves.

    Raises:
        leyden.errors.UserCodeError: there are several, or they have a frequency.
    """
    if found.frequencies or len(found.optimizers) > 1:
        raise UserCodeError(
            f"configure_optimizers returned {len(found.optimizers)} optimizers, and automatic "
            "optimization works with one. "
            "Set self.automatic_optimization = False and step them in training_step, or use the step scheme of "
            "Lightning 1.x. Install it with: pip install leyden-legacy"
        )


def _without_automatic(config: LRSchedulerConfig) -> None:
    if config.monitor is not None:
        warn(
            "manual-monitor",
            "lr_scheduler: 'monitor' has no effect in manual optimization; step the scheduler yourself.",
            LeydenRuntimeWarning,
        )


class NoOptimizer(Optimizer):
    """Stands in where the user trains without an optimizer."""

    def __init__(self) -> None:
        import torch

        super().__init__([torch.zeros(1)], {})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Call the closure; there is nothing to update."""
        return closure() if closure is not None else None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """There is nothing to release."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing."""


class LightningOptimizer:
    """An optimizer as users step it: counted, scaled, seen by hooks. Everything else is the optimizer's own.

    Args:
        optimizer: the torch optimizer.
        step: what a step does: ``step(optimizer, closure, **kwargs)``.
        module: whose parameters :meth:`toggle_model` toggles.
    """

    def __init__(self, optimizer: Optimizer, step: Callable[..., Any], module: LightningModule) -> None:
        self._optimizer, self._step, self._module = optimizer, step, module
        # isinstance(x, Adam) holds for what the user configured as Adam, without copying its state
        self.__class__ = type(
            f"Lightning{type(optimizer).__name__}", (LightningOptimizer, type(optimizer)), {}
        )

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_optimizer"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        else:
            setattr(self._optimizer, name, value)

    def __repr__(self) -> str:
        return f"Lightning{self._optimizer!r}"

    @property
    def optimizer(self) -> Optimizer:
        """The torch optimizer."""
        return self._optimizer

    def step(self, closure: Callable[[], Any] | None = None, **kwargs: Any) -> Any:
        """Apply the gradients, as the run's precision does it.

        Raises:
            leyden.errors.UserCodeError: the closure cannot be called.
        """
        if closure is not None and not callable(closure):
            raise UserCodeError(
                f"optimizer.step(closure={shown(closure)}) is not possible: a closure is callable."
            )
        return self._step(self._optimizer, closure, **kwargs)

    @contextmanager
    def toggle_model(self, sync_grad: bool = True) -> Iterator[None]:
        """Let only this optimizer's parameters require gradients; without ``sync_grad``, keep processes apart."""
        from contextlib import nullcontext

        self._module.toggle_optimizer(self)
        with nullcontext() if sync_grad else self._module.trainer.strategy.no_sync():
            yield
        self._module.untoggle_optimizer(self)


_OWN = frozenset(
    {
        "_optimizer",
        "_step",
        "_module",
        "optimizer",
        "step",
        "toggle_model",
        "__class__",
        "__repr__",
        "__reduce_ex__",
    }
)


def toggle(module: LightningModule, optimizer: Any) -> None:
    """Remember ``requires_grad`` of every optimizer's parameters, and leave it on for one optimizer's alone."""
    known = module.trainer.optimizers
    bare = getattr(optimizer, "optimizer", optimizer)
    if not any(bare is one for one in known):
        raise ConfigurationError(
            f"toggle_optimizer({type(bare).__name__}) is not possible: configure_optimizers did not "
            "return this optimizer."
        )
    chosen = {id(one) for group in optimizer.param_groups for one in group["params"]}
    state: dict[Any, bool] = {}
    for other in module.trainer.optimizers:
        for group in other.param_groups:
            for parameter in group["params"]:
                state.setdefault(parameter, parameter.requires_grad)
                parameter.requires_grad = state[parameter] and id(parameter) in chosen
    module.__dict__["_toggled"] = state


def untoggle(module: LightningModule) -> None:
    """Give ``requires_grad`` back as :func:`toggle` found it."""
    for parameter, required in module.__dict__.pop("_toggled", {}).items():
        parameter.requires_grad = required
