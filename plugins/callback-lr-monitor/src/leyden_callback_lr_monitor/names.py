"""What the learning rates of a run are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leyden.errors import ConfigurationError
from leyden.plugins.errors import listed

if TYPE_CHECKING:
    from torch.optim import Optimizer


@dataclass(frozen=True)
class Named:
    """An optimizer under the names of its parameter groups.

    Attributes:
        optimizer: the optimizer.
        groups: its parameter groups by name; those without a learning rate are left out.
        interval: when its scheduler steps, ``"step"`` or ``"epoch"``; ``None`` when it has none.
    """

    optimizer: Optimizer
    groups: dict[str, dict[str, Any]]
    interval: str | None


def named(configs: Sequence[Any], optimizers: Sequence[Any]) -> list[Named]:
    """The optimizers of a run: once for each scheduler, then those without one.

    Args:
        configs: the schedulers, as ``trainer.lr_scheduler_configs`` has them.
        optimizers: all optimizers; wrapped ones stand for what they wrap.

    Raises:
        leyden.errors.ConfigurationError: two parameter groups of an optimizer have the same name.
    """
    found: list[Named] = []
    counts: Counter[str] = Counter()
    for config in configs:
        optimizer = getattr(config.scheduler, "optimizer", None)
        if optimizer is not None:
            found.append(_named(optimizer, config.name, config.interval, counts))
    scheduled = [one.optimizer for one in found]
    for one in optimizers:
        optimizer = getattr(one, "optimizer", one)
        if not any(optimizer is other for other in scheduled):
            found.append(_named(optimizer, None, None, counts))
    return found


def _named(optimizer: Any, name: str | None, interval: str | None, counts: Counter[str]) -> Named:
    kind = type(optimizer).__name__
    stem = f"lr-{kind}" if name is None else name
    counts[kind] += name is None
    if counts[kind] > 1:
        stem = f"{stem}-{counts[kind] - 1}"
    groups = optimizer.param_groups
    names = [f"{stem}{suffix}" for suffix in _suffixes(groups, stem)]
    return Named(
        optimizer, {key: one for key, one in zip(names, groups, strict=True) if "lr" in one}, interval
    )


def _suffixes(groups: Sequence[dict[str, Any]], stem: str) -> list[str]:
    if len(groups) == 1:
        own = groups[0].get("name")
        return [f"/{own}" if own else ""]
    names = [one.get("name", f"pg{number}") for number, one in enumerate(groups, start=1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigurationError(
            f"LearningRateMonitor: several parameter groups of {stem} have the name {listed(map(str, twice))}. "
            "Give each group a 'name' of its own."
        )
    return [f"/{name}" for name in names]
