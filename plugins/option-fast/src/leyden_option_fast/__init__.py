"""The Trainer keyword ``fast``, and what it can be given beside names."""

from __future__ import annotations

from typing import Any

from leyden_option_fast.option import NAMES, Fast

__all__ = ["CUDAGraphs", "ChannelsLast", "CompiledStep", "Fast", "Fused", "Prefetch", "Workers"]


def __getattr__(name: str) -> Any:
    """The classes behind the names, imported when they are asked for."""
    from importlib import import_module

    for place in NAMES.values():
        module, _, attribute = place.partition(":")
        if attribute == name:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
