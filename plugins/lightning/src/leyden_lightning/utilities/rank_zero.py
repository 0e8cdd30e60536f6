"""Talking on rank zero alone, with the rank that the kernel knows."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

from leyden.api import rank_zero as kernel
from leyden.api.warn import LeydenDeprecationWarning

log = logging.getLogger("leyden")


class _RankZeroOnly:
    """The decorator, which also has the ``rank``."""

    __name__ = "rank_zero_only"

    @property
    def rank(self) -> int:
        """The global rank of this process."""
        return kernel.rank()

    @rank.setter
    def rank(self, value: int) -> None:
        kernel.set_rank(value)

    def __call__(self, fn: Callable[..., Any], default: Any = None) -> Callable[..., Any]:
        """Make a function do nothing, and return ``default``, on every rank but zero."""
        return kernel.rank_zero_only(fn, default)


rank_zero_only = _RankZeroOnly()


def rank_prefixed_message(message: str, rank: int | None) -> str:
    """A message that begins with the rank it comes from, where there is one."""
    return message if rank is None else f"[rank: {rank}] {message}"


@rank_zero_only
def rank_zero_info(*args: Any, stacklevel: int = 4, **kwargs: Any) -> None:
    """Log at level INFO on rank zero."""
    kernel.rank_zero_info(str(args[0]) % args[1:] if len(args) > 1 else str(args[0]) if args else "")


@rank_zero_only
def rank_zero_debug(*args: Any, stacklevel: int = 4, **kwargs: Any) -> None:
    """Log at level DEBUG on rank zero."""
    log.debug(*args, stacklevel=stacklevel, **kwargs)


@rank_zero_only
def rank_zero_warn(
    message: str | Warning, stacklevel: int = 4, category: type[Warning] = UserWarning, **kwargs: Any
) -> None:
    """Warn on rank zero."""
    warnings.warn(message, category, stacklevel=stacklevel, **kwargs)


def rank_zero_deprecation(message: str | Warning, stacklevel: int = 5, **kwargs: Any) -> None:
    """Warn on rank zero that something will go."""
    category = kwargs.pop("category", LightningDeprecationWarning)
    rank_zero_warn(message, stacklevel=stacklevel, category=category, **kwargs)


class WarningCache(set[str]):
    """Says each message once."""

    def warn(self, message: str, stacklevel: int = 5, **kwargs: Any) -> None:
        """Warn unless this message was given before."""
        if message not in self:
            self.add(message)
            rank_zero_warn(message, stacklevel=stacklevel, **kwargs)

    def deprecation(self, message: str, stacklevel: int = 6, **kwargs: Any) -> None:
        """Say that something will go, once."""
        if message not in self:
            self.add(message)
            rank_zero_deprecation(message, stacklevel=stacklevel, **kwargs)

    def info(self, message: str, stacklevel: int = 5, **kwargs: Any) -> None:
        """Log unless this message was given before."""
        if message not in self:
            self.add(message)
            rank_zero_info(message, stacklevel=stacklevel, **kwargs)


LightningDeprecationWarning = LeydenDeprecationWarning


def _get_rank() -> int | None:
    """The rank that the environment says, ``None`` where it says none."""
    import os

    found = (os.environ.get(name) for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK"))
    return next((int(one) for one in found if one is not None), None)
