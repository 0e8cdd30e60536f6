"""What to say when a user's class lacks a method."""

from __future__ import annotations

from typing import Any

from leyden.errors import UserCodeError


def not_implemented(owner: Any, method: str, otherwise: str = "") -> UserCodeError:
    """The error for a method that was needed and is not overridden.

    Args:
        owner: the user's object.
        method: the method's name.
        otherwise: what else would do.
    """
    remedy = f"Define {method} in it" + (f", or {otherwise}." if otherwise else ".")
    return UserCodeError(f"{type(owner).__name__} has no {method}. {remedy}")
