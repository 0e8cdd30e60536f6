"""What only one process says."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import wraps
from typing import Any

log = logging.getLogger("leyden")
_RANK_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


def _rank_of_environment() -> int:
    found = next((os.environ[name] for name in _RANK_VARIABLES if name in os.environ), "0")
    return int(found) if found.isdigit() else 0


class _Rank:
    value: int = _rank_of_environment()


def rank() -> int:
    """The global rank of this process as far as it is known."""
    return _Rank.value


def set_rank(value: int) -> None:
    """Say which rank this process has; strategies call it when they know."""
    _Rank.value = value


def rank_zero_only(function: Callable[..., Any], default: Any = None) -> Callable[..., Any]:
    """Make a function do nothing, and return ``default``, on every rank but zero."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs) if _Rank.value == 0 else default

    return wrapped


def rank_zero_info(message: str) -> None:
    """Tell the user something, on rank zero, through the ``leyden`` logger (to stderr when nobody configured one)."""
    if _Rank.value == 0:
        if not log.handlers and not logging.getLogger().handlers:
            log.addHandler(logging.StreamHandler())
            log.setLevel(logging.INFO)
        log.info(message)
