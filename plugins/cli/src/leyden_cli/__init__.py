"""``LightningCLI``, and the commands ``leyden fit``, ``validate``, ``test`` and ``predict``.

The names are imported when first used: ``leyden --help`` imports the commands, and neither torch nor jsonargparse.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden_cli.cli import LightningCLI as LightningCLI
    from leyden_cli.modules import instantiate_module as instantiate_module
    from leyden_cli.optimizers import ArgsType as ArgsType
    from leyden_cli.optimizers import LRSchedulerCallable as LRSchedulerCallable
    from leyden_cli.optimizers import LRSchedulerType as LRSchedulerType
    from leyden_cli.optimizers import LRSchedulerTypeTuple as LRSchedulerTypeTuple
    from leyden_cli.optimizers import LRSchedulerTypeUnion as LRSchedulerTypeUnion
    from leyden_cli.optimizers import OptimizerCallable as OptimizerCallable
    from leyden_cli.optimizers import ReduceLROnPlateau as ReduceLROnPlateau
    from leyden_cli.optimizers import instantiate_class as instantiate_class
    from leyden_cli.parser import LightningArgumentParser as LightningArgumentParser
    from leyden_cli.save_config import SaveConfigCallback as SaveConfigCallback

_HOMES = {
    "ArgsType": "optimizers",
    "LRSchedulerCallable": "optimizers",
    "LRSchedulerType": "optimizers",
    "LRSchedulerTypeTuple": "optimizers",
    "LRSchedulerTypeUnion": "optimizers",
    "LightningArgumentParser": "parser",
    "LightningCLI": "cli",
    "OptimizerCallable": "optimizers",
    "ReduceLROnPlateau": "optimizers",
    "SaveConfigCallback": "save_config",
    "instantiate_class": "optimizers",
    "instantiate_module": "modules",
}
_JSONARGPARSE = ("ActionConfigFile", "ArgumentParser", "Namespace", "class_from_function")
"""Names of jsonargparse that programs import from Lightning's module."""
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _JSONARGPARSE:
        return getattr(import_module("jsonargparse"), name)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, *_JSONARGPARSE]
