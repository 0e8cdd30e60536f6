"""Checks of arguments, made when a finder is made."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean

METHODS = ("fit", "validate", "test", "predict")


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of some words, in any case."""
    words = " or ".join(map(repr, allowed))
    if not isinstance(value, str):
        raise ArgumentTypeError.about(name, value, words)
    if value.lower() not in allowed:
        raise ConfigurationError.about(name, value, words, did_you_mean(value, allowed))
    return value.lower()


def count(name: str, value: Any) -> int:
    """An int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError.about(name, value, "an int of at least 1")
    if value < 1:
        raise ConfigurationError.about(name, value, "an int of at least 1")
    return value


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ArgumentTypeError.about(name, value, "True or False")
    return value


def text(name: str, value: Any) -> str:
    """A name, or nothing."""
    if not isinstance(value, str):
        raise ArgumentTypeError.about(name, value, "the name of an attribute")
    return value


def number(name: str, value: Any, allowed: str, low: float, high: float = float("inf")) -> float:
    """A finite number within bounds, ``low`` included and ``high`` excluded."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentTypeError.about(name, value, allowed)
    if not (isfinite(value) and low <= value < high):
        raise ConfigurationError.about(name, value, allowed)
    return value


def rates(min_lr: Any, max_lr: Any, mode: str) -> tuple[float, float]:
    """The bounds of a search for a learning rate."""
    low = number("min_lr", min_lr, "a number above 0", 0.0)
    high = number("max_lr", max_lr, "a number above min_lr", 0.0)
    if low == 0 and mode == "exponential":
        raise ConfigurationError.about("min_lr", min_lr, "a number above 0", "From 0 on, use mode='linear'.")
    if high <= low:
        raise ConfigurationError.about("max_lr", max_lr, f"a number above min_lr={low}")
    return low, high
