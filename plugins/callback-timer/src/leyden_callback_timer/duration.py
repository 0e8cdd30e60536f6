"""Durations as users write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean

UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
ALLOWED = (
    "None, 'DD:HH:MM:SS', a timedelta, or a dict of its arguments such as {'hours': 12}; of at least no time"
)
_TEXT = re.compile(r"\s*(\d+):(\d\d):(\d\d):(\d\d)\s*", re.ASCII)


def duration(argument: str, value: Any) -> timedelta | None:
    """A duration in one form.

    Args:
        argument: the name that errors give it.
        value: ``"DD:HH:MM:SS"``, a timedelta, a mapping of its arguments, or ``None``.

    Raises:
        leyden.errors.ConfigurationError: it is something else, or negative.
    """
    if value is None:
        return None
    if isinstance(value, str):
        found = _of_text(argument, value)
    elif isinstance(value, Mapping):
        found = _of_parts(argument, value)
    elif isinstance(value, timedelta):
        found = value
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f"For seconds, write {{'seconds': {value!r}}}." if number else ""
        raise ArgumentTypeError.about(argument, value, ALLOWED, hint)
    if found < timedelta(0):
        raise ConfigurationError.about(argument, value, ALLOWED)
    return found


def _of_text(argument: str, value: str) -> timedelta:
    parts = _TEXT.fullmatch(value)
    if parts is None:
        raise ConfigurationError.about(argument, value, ALLOWED)
    days, hours, minutes, seconds = map(int, parts.groups())
    return _made(argument, value, {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds})


def _of_parts(argument: str, value: Mapping[Any, Any]) -> timedelta:
    for unit, amount in value.items():
        if unit not in UNITS:
            raise ConfigurationError.about(argument, value, ALLOWED, did_you_mean(str(unit), UNITS))
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise ArgumentTypeError.about(argument, value, ALLOWED)
    if not value:
        raise ConfigurationError.about(argument, value, ALLOWED)
    return _made(argument, value, value)


def _made(argument: str, value: Any, parts: Mapping[str, float]) -> timedelta:
    try:
        return timedelta(**parts)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError.about(argument, value, ALLOWED, f"{error}.") from error
