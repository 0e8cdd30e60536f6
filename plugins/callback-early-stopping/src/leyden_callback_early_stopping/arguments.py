"""Checks of constructor arguments."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, isnan
from numbers import Integral, Real
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean


def metric(argument: str, value: Any) -> str:
    """Return the name of a metric."""
    allowed = "the name of a metric that the module logs"
    if not isinstance(value, str):
        raise ArgumentTypeError.about(argument, value, allowed)
    if not value:
        raise ConfigurationError.about(argument, value, allowed)
    return value


def flag(argument: str, value: Any, *, optional: bool = False) -> Any:
    """Return ``True`` or ``False``, or where that is allowed ``None``."""
    if isinstance(value, bool) or (optional and value is None):
        return value
    raise ArgumentTypeError.about(argument, value, "True, False or None" if optional else "True or False")


def count(argument: str, value: Any) -> int:
    """Return a whole number of at least 0 as an int."""
    allowed = "an int of at least 0"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentTypeError.about(argument, value, allowed)
    if value < 0:
        raise ConfigurationError.about(argument, value, allowed)
    return int(value)


def distance(argument: str, value: Any) -> float:
    """Return a finite number of at least 0."""
    allowed = "a finite number of at least 0"
    number = _number(argument, value, allowed)
    if isinf(number) or number < 0:
        raise ConfigurationError.about(argument, value, allowed)
    return number


def threshold(argument: str, value: Any) -> float | None:
    """Return a number or ``None``."""
    return None if value is None else _number(argument, value, "None or a number")


def choice(argument: str, value: Any, choices: Sequence[str]) -> str:
    """Return one of several words."""
    allowed = " or ".join(map(repr, choices))
    if not isinstance(value, str):
        raise ArgumentTypeError.about(argument, value, allowed)
    if value not in choices:
        raise ConfigurationError.about(argument, value, allowed, did_you_mean(value, choices))
    return value


def _number(argument: str, value: Any, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentTypeError.about(argument, value, allowed)
    if isnan(value):
        raise ConfigurationError.about(argument, value, allowed)
    return float(value)
