"""Optimizers and schedulers in configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import torch
from jsonargparse import Namespace
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from leyden.errors import ConfigurationError


class ReduceLROnPlateau(torch.optim.lr_scheduler.ReduceLROnPlateau):
    """torch's ``ReduceLROnPlateau`` with the metric that it watches.

    Args:
        optimizer: the optimizer.
        monitor: the logged metric whose value each step of the scheduler gets.
        args: as of torch's class.
        kwargs: as of torch's class.
    """

    def __init__(self, optimizer: Optimizer, monitor: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(optimizer, *args, **kwargs)
        self.monitor = monitor


LRSchedulerTypeTuple = (LRScheduler, ReduceLROnPlateau)
LRSchedulerTypeUnion = LRScheduler | ReduceLROnPlateau
LRSchedulerType = type[LRScheduler] | type[ReduceLROnPlateau]
ArgsType = list[str] | dict[str, Any] | Namespace | None
OptimizerCallable = Callable[[Iterable], Optimizer]  # type: ignore[type-arg]
LRSchedulerCallable = Callable[[Optimizer], LRScheduler | ReduceLROnPlateau]


def class_path(kind: type) -> str:
    """Where a class is imported from."""
    return f"{kind.__module__}.{kind.__name__}"


def as_class_path(kind: type, init_args: Any = None) -> dict[str, Any]:
    """A class and its arguments in the form of configurations: ``{"class_path": …, "init_args": …}``."""
    arguments = init_args.as_dict() if isinstance(init_args, Namespace) else init_args
    return {"class_path": class_path(kind), "init_args": arguments or {}}


def instantiate_class(args: Any, init: dict[str, Any]) -> Any:
    """Make what a configuration describes.

    Args:
        args: the positional argument, or a tuple of several.
        init: ``{"class_path": "package.module.Class", "init_args": {…}}``.

    Raises:
        leyden.errors.ConfigurationError: there is no such class.
    """
    module, _, name = str(init["class_path"]).rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError.about(
            "class_path", init["class_path"], "the dotted path of a class that can be imported", f"{error}."
        ) from error
    positional = args if isinstance(args, tuple) else (args,)
    return kind(*positional, **init.get("init_args", {}))
