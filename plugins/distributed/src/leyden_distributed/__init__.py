"""What strategies of several processes share; importing this imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_distributed.environment import LightningEnvironment
    from leyden_distributed.failures import (
        CollectiveTimeoutError,
        RankDisagreementError,
        RankFailureError,
        RendezvousError,
    )
    from leyden_distributed.strategy import ParallelStrategy

__all__ = [
    "CollectiveTimeoutError",
    "LightningEnvironment",
    "ParallelStrategy",
    "RankDisagreementError",
    "RankFailureError",
    "RendezvousError",
]

_HOMES = {
    "CollectiveTimeoutError": "failures",
    "LightningEnvironment": "environment",
    "ParallelStrategy": "strategy",
    "RankDisagreementError": "failures",
    "RankFailureError": "failures",
    "RendezvousError": "failures",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
