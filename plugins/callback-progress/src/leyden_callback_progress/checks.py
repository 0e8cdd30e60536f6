"""Checks of constructor arguments."""

from __future__ import annotations

from typing import Any

from leyden.errors import ConfigurationError


def number_of(argument: str, value: Any, what: str, *, whole: bool) -> Any:
    """Return ``value`` when it is a finite number that is not negative.

    Args:
        argument: the argument's name, as the user writes it.
        value: what was given.
        what: what it counts, e.g. ``"batches"``.
        whole: whether it has to be an int.

    Raises:
        leyden.errors.ConfigurationError: it is something else.
    """
    types = int if whole else (int, float)
    if isinstance(value, types) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return value
    kind = "an int" if whole else "a number"
    raise ConfigurationError.about(argument, value, f"{kind} of {what}, 0 or more")
