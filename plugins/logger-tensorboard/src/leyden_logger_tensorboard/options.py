"""The keywords that go on to ``SummaryWriter``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean, listed


def _count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "purge_step": (lambda value: value is None or _count(value), "a step from 0 on, or None"),
    "max_queue": (lambda value: _count(value) and value > 0, "an int of at least 1"),
    "flush_secs": (
        lambda value: isinstance(value, Real) and not isinstance(value, bool) and float(value) > 0,
        "a number of seconds above 0",
    ),
    "filename_suffix": (lambda value: isinstance(value, str), "a string"),
}
"""Keyword → whether a value may be given, and what may."""

_NAMED_BY_THE_LOGGER = ("log_dir", "comment")


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords, checked before anything is created.

    Raises:
        leyden.errors.ArgumentTypeError: ``SummaryWriter`` has no such keyword, or the logger decides it.
        leyden.errors.ConfigurationError: the value cannot be.
    """
    for name, value in given.items():
        if name in _NAMED_BY_THE_LOGGER:
            remedy = "The run's folder follows from save_dir, name, version and sub_dir."
            raise ArgumentTypeError.about(name, value, f"one of {listed(CHECKS)}", remedy)
        if name not in CHECKS:
            text = f"TensorBoardLogger has no argument {name!r}; further arguments are {listed(CHECKS)}."
            raise ArgumentTypeError(f"{text} {did_you_mean(name, CHECKS)}".rstrip())
        allows, allowed = CHECKS[name]
        if not allows(value):
            raise ConfigurationError.about(name, value, allowed)
    return dict(given)
