"""Names of Lightning's that a program replaces, in the modules of Leyden that use what stands behind them."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from leyden_lightning.names import PAGES

_before: dict[tuple[str, str], tuple[list[ModuleType], Any]] = {}


def replaced(page: ModuleType, name: str) -> list[ModuleType]:
    """The modules in which a name is to be replaced with it; none where the page alone has it.

    These are the module that the page names (``"module:attribute"``), or, for what stands beside a component, the
    modules of its package that have imported it.
    """
    target = PAGES[page.__name__].get(name, "")
    key = page.__name__, name
    if key not in _before:
        if target.startswith("@") and ">" in target:
            old = getattr(page, name)
            package = vars(old).get("__leyden_home__", getattr(old, "__module__", "")).partition(".")[0]
            modules = [one for one in list(sys.modules.values()) if _of(one, package, name) is old]
        elif target.startswith("leyden") and target.endswith(f":{name}"):
            modules = [import_module(target.partition(":")[0])]
            old = getattr(modules[0], name)
        else:
            return []
        _before[key] = modules, old
    return _before[key][0]


def give_back(page: ModuleType, name: str) -> None:
    """Undo the replacement."""
    modules, old = _before.pop((page.__name__, name), ([], None))
    for one in modules:
        setattr(one, name, old)


def _of(module: Any, package: str, name: str) -> Any:
    inside = isinstance(module, ModuleType) and module.__name__.partition(".")[0] == package
    return vars(module).get(name) if inside else None
