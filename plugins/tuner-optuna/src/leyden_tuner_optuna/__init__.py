"""Hyper-parameter search with Optuna; importing this imports neither torch nor optuna."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_tuner_optuna.command import TuneCommand
    from leyden_tuner_optuna.objective import ModuleObjective
    from leyden_tuner_optuna.plots import write_plots
    from leyden_tuner_optuna.pruning import OptunaPruningCallback, PyTorchLightningPruningCallback
    from leyden_tuner_optuna.suggestion import Suggestion
    from leyden_tuner_optuna.tuner import OptunaTuner

__all__ = [
    "ModuleObjective",
    "OptunaPruningCallback",
    "OptunaTuner",
    "PyTorchLightningPruningCallback",
    "Suggestion",
    "TuneCommand",
    "write_plots",
]

_HOMES = {
    "ModuleObjective": "objective",
    "OptunaPruningCallback": "pruning",
    "OptunaTuner": "tuner",
    "PyTorchLightningPruningCallback": "pruning",
    "Suggestion": "suggestion",
    "TuneCommand": "command",
    "write_plots": "plots",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
