"""Checks of constructor arguments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from numbers import Integral
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean


def flag(argument: str, value: Any, *others: Any) -> Any:
    """Return a value that is ``True``, ``False`` or one of ``others``."""
    words = [one for one in others if isinstance(one, str)]
    if (
        isinstance(value, bool)
        or (value is None and None in others)
        or (isinstance(value, str) and value in words)
    ):
        return value
    kind = ConfigurationError if isinstance(value, str) and words else ArgumentTypeError
    raise kind.about(argument, value, " or ".join(repr(one) for one in (True, False, *others)))


def count(argument: str, value: Any, least: int, remedy: str = "") -> int:
    """Return a whole number of at least ``least`` as an int."""
    allowed = f"an int of at least {least}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentTypeError.about(argument, value, allowed, remedy)
    if value < least:
        raise ConfigurationError.about(argument, value, allowed, remedy)
    return int(value)


def choice(argument: str, value: Any, choices: Sequence[str]) -> str:
    """Return a value that is one of several words."""
    allowed = " or ".join(map(repr, choices))
    if not isinstance(value, str):
        raise ArgumentTypeError.about(argument, value, allowed)
    if value not in choices:
        raise ConfigurationError.about(argument, value, allowed, did_you_mean(value, choices))
    return value


def text(argument: str, value: Any, what: str) -> str | None:
    """Return a non-empty string, or ``None``."""
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError.about(argument, value, f"None or {what}")
    if value == "":
        raise ConfigurationError.about(argument, value, f"None or {what}")
    return value


def interval(argument: str, value: Any) -> timedelta | None:
    """Return a time span that is not negative, or ``None``."""
    allowed = "None or a datetime.timedelta of at least 0 seconds"
    if value is not None and not isinstance(value, timedelta):
        raise ArgumentTypeError.about(argument, value, allowed, "Write e.g. timedelta(minutes=30).")
    if value is not None and value < timedelta(0):
        raise ConfigurationError.about(argument, value, allowed)
    return value


def path(argument: str, value: Any) -> str | None:
    """Return a path as text, or ``None``."""
    allowed = "None or the path of a folder"
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise ArgumentTypeError.about(argument, value, allowed)
    if not os.fspath(value):
        raise ConfigurationError.about(argument, value, allowed, "Write '.' for the working directory.")
    return os.fspath(value)


def template(argument: str, value: Any) -> str | None:
    """Return a template, or ``None``; an empty one is the default too."""
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError.about(argument, value, "None or a template such as '{epoch}-{val_loss:.2f}'")
    return value
