"""The rules of ``self.log``: where it may be called, with what."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, did_you_mean, shown

STEP = frozenset(
    {
        "training_step", "training_step_end", "on_train_batch_start", "on_train_batch_end", "on_before_zero_grad",
        "on_before_backward", "backward", "on_after_backward", "on_before_optimizer_step", "optimizer_step",
        "optimizer_zero_grad", "configure_gradient_clipping", "clip_gradients",
    }
)  # fmt: skip
"""Hooks that log by step unless told otherwise."""

BATCH = frozenset(
    {
        "validation_step", "test_step", "validation_step_end", "test_step_end", "on_validation_batch_start",
        "on_validation_batch_end", "on_test_batch_start", "on_test_batch_end",
    }
)  # fmt: skip
"""Hooks that log by epoch unless told otherwise."""

EPOCH = frozenset(
    {
        "on_train_start", "on_validation_start", "on_test_start", "on_train_epoch_start", "on_train_epoch_end",
        "on_validation_epoch_start", "on_validation_epoch_end", "on_test_epoch_start", "on_test_epoch_end",
        "on_epoch_start", "on_epoch_end", "training_epoch_end", "validation_epoch_end", "test_epoch_end",
    }
)  # fmt: skip
"""Hooks that log by epoch only."""

REDUCE = ("mean", "sum", "min", "max")
_FUNCTIONS = {getattr(torch, name): name for name in REDUCE} | {sum: "sum", min: "min", max: "max"}
_SPELLINGS = {name: name for name in REDUCE} | {"avg": "mean"}
NAMES = ("prog_bar", "logger", "on_step", "on_epoch", "reduce_fx", "enable_graph", "sync_dist", "sync_dist_group",
         "add_dataloader_idx", "metric_attribute", "rank_zero_only", "axis")  # fmt: skip


def levels(hook: str | None, name: str, arguments: tuple[Any, ...]) -> tuple[bool, bool]:
    """Whether a call logs by step and by epoch.

    Raises:
        leyden.errors.ConfigurationError: the hook does not log, or an argument is not possible there.
    """
    _check_name(name)
    given = dict(zip(NAMES, arguments, strict=True))
    _check_arguments(given)
    if hook not in STEP and hook not in BATCH and hook not in EPOCH:
        raise ConfigurationError(
            f"self.log({name!r}, …) is not possible in {hook or 'code outside a hook'}: allowed are the training, "
            "validation and test steps and their batch and epoch hooks. Use self.logger to write directly."
        )
    on_step = given["on_step"] if given["on_step"] is not None else hook in STEP
    on_epoch = given["on_epoch"] if given["on_epoch"] is not None else hook not in STEP
    if hook in EPOCH and on_step:
        raise ConfigurationError(
            f"self.log({name!r}, on_step=True) is not possible in {hook}: it runs once an epoch."
        )
    if not on_step and not on_epoch:
        raise ConfigurationError(
            f"self.log({name!r}, on_step={on_step}, on_epoch={on_epoch}) logs nothing: set one of them."
        )
    return on_step, on_epoch


def _check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise ArgumentTypeError.about("self.log(name)", name, "a string")
    if "/dataloader_idx_" in name:
        raise ConfigurationError.about(
            "self.log(name)",
            name,
            "a name without '/dataloader_idx_'",
            "The suffix is added where there are several loaders.",
        )


def _check_arguments(given: dict[str, Any]) -> None:
    for key in (
        "prog_bar",
        "logger",
        "on_step",
        "on_epoch",
        "enable_graph",
        "sync_dist",
        "add_dataloader_idx",
        "rank_zero_only",
    ):
        if not isinstance(given[key], bool | type(None)):
            raise ArgumentTypeError.about(f"self.log({key})", given[key], "True or False")
    if given["axis"] is not None and (not isinstance(given["axis"], str) or not given["axis"]):
        allowed = "'step', 'epoch', 'batch', the name of another metric, or None"
        raise ArgumentTypeError.about("self.log(axis)", given["axis"], allowed)
    reduction(given["reduce_fx"])


def reduction(given: Any) -> str:
    """The name of a reduction; torch's and Python's functions of these names are taken too."""
    name = (
        _SPELLINGS.get(given.lower())
        if isinstance(given, str)
        else _FUNCTIONS.get(given)
        if callable(given)
        else None
    )
    if name not in REDUCE:
        hint = (
            did_you_mean(given, REDUCE)
            if isinstance(given, str)
            else "For anything else log a torchmetrics Metric."
        )
        raise ConfigurationError.about("self.log(reduce_fx)", given, "'mean', 'sum', 'min' or 'max'", hint)
    return name


def check_batch_size(name: str, value: Any) -> int:
    """A batch size as an int of at least 1 (NumPy's ints and one-element tensors are taken).

    Raises:
        leyden.errors.ConfigurationError: it is something else.
    """
    number = value.item() if hasattr(value, "item") and not isinstance(value, int) else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ConfigurationError.about(f"self.log({name!r}, batch_size)", value, "an int of at least 1")
    return number


def check_value(name: str, value: Any) -> Any:
    """A value that can be logged: a number as float, or a tensor of one element.

    Raises:
        leyden.errors.ConfigurationError: it is something else.
    """
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ConfigurationError(
                f"self.log({name!r}, tensor of shape {tuple(value.shape)}) is not possible: allowed is one element. "
                "Reduce it first, e.g. with .mean()."
            )
        return value
    if isinstance(value, numbers.Number) and not isinstance(value, complex):
        return float(value)  # type: ignore[arg-type]
    raise ArgumentTypeError(
        f"self.log({name!r}, {shown(value)}) is not possible: allowed is a number, a tensor of one element, "
        "or a Metric. self.log_dict takes a dict of these."
    )


def position(name: str, axis: str, places: Mapping[str, Any]) -> int:
    """Where a metric stands on the x-axis that was chosen for it.

    Args:
        name: the metric.
        axis: the x-axis.
        places: the run's counters and the metrics logged, by name.

    Raises:
        leyden.errors.ConfigurationError: there is no such place, or it is not finite.
    """
    value = places.get(axis)
    if value is None:
        raise ConfigurationError(
            f"self.log({name!r}, …, axis={axis!r}): no metric of this name was logged. Log it for the loggers in "
            "the same hook, or choose 'step', 'epoch' or 'batch'."
        )
    if not math.isfinite(value):
        raise ConfigurationError(f"self.log({name!r}, …, axis={axis!r}): {axis} is {float(value)}.")
    return int(value)
