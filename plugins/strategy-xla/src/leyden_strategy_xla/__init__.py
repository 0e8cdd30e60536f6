"""Training on XLA devices, on one or on all of a machine or a pod; importing this imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_strategy_xla.environment import XLAEnvironment
    from leyden_strategy_xla.several import XLAStrategy
    from leyden_strategy_xla.single import SingleDeviceXLAStrategy

__all__ = ["SingleDeviceXLAStrategy", "XLAEnvironment", "XLAStrategy"]

_HOMES = {
    "SingleDeviceXLAStrategy": "single",
    "XLAEnvironment": "environment",
    "XLAStrategy": "several",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
