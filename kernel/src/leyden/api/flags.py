"""The check of arguments that are either on or off."""

from __future__ import annotations

from typing import Any

from leyden.plugins.errors import ArgumentTypeError


def flag(name: str, value: Any) -> None:
    """Refuse what is neither True, False nor None: any text would count as true.

    Raises:
        leyden.errors.ArgumentTypeError: it is something else.
    """
    if value is not None and not isinstance(value, bool):
        raise ArgumentTypeError.about(name, value, "True or False")
