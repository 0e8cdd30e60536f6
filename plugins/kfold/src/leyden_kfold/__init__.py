"""K-fold cross-validation; importing this imports neither torch nor scikit-learn."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_kfold.command import KFoldCommand
    from leyden_kfold.crossing import cross_validate
    from leyden_kfold.results import CrossValidation, Fold

__all__ = ["CrossValidation", "Fold", "KFoldCommand", "cross_validate"]

_HOMES = {
    "CrossValidation": "results",
    "Fold": "results",
    "KFoldCommand": "command",
    "cross_validate": "crossing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
