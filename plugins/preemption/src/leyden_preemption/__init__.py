"""Saves a checkpoint and ends the process when SIGTERM or a preemption signal comes."""

from __future__ import annotations

from typing import Any

__all__ = ["Preempted", "Preemption"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from leyden_preemption import plugin

    return getattr(plugin, name)
