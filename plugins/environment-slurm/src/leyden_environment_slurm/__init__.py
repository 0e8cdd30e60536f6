"""Ranks as srun tells them, and jobs that requeue themselves; importing this imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_environment_slurm.environment import SLURMEnvironment
    from leyden_environment_slurm.requeue import Requeue

__all__ = ["Requeue", "SLURMEnvironment"]

_HOMES = {"Requeue": "requeue", "SLURMEnvironment": "environment"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
