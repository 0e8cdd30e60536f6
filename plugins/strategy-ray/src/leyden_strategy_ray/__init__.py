"""The Trainer's program on Ray workers; importing this imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_strategy_ray.environment import RayEnvironment
    from leyden_strategy_ray.strategy import RayStrategy

__all__ = ["RayEnvironment", "RayStrategy"]

_HOMES = {
    "RayEnvironment": "environment",
    "RayStrategy": "strategy",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
