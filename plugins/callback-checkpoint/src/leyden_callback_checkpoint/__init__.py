"""``ModelCheckpoint`` and the Trainer keyword ``enable_checkpointing``; importing this imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_callback_checkpoint.callback import ModelCheckpoint
    from leyden_callback_checkpoint.option import EnableCheckpointing

__all__ = ["EnableCheckpointing", "ModelCheckpoint"]

_HOMES = {"EnableCheckpointing": "option", "ModelCheckpoint": "callback"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
