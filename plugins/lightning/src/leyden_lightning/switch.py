"""On and off."""

from __future__ import annotations

import sys
from threading import RLock
from types import ModuleType

from leyden_lightning import children
from leyden_lightning.finder import ROOTS, Finder
from leyden_lightning.homes import go_home

_LOCK = RLock()
_FINDER = Finder()
_replaced: dict[str, ModuleType] = {}


def installed() -> bool:
    """Whether Lightning's names are Leyden in this process."""
    return _FINDER in sys.meta_path


def install() -> None:
    """See :func:`leyden_lightning.install`."""
    with _LOCK:
        if installed():
            return
        _replaced.update({name: sys.modules.pop(name) for name in list(sys.modules) if _concerned(name)})
        sys.meta_path.insert(0, _FINDER)
        children.reach()


def uninstall() -> None:
    """See :func:`leyden_lightning.uninstall`."""
    with _LOCK:
        if not installed():
            return
        sys.meta_path.remove(_FINDER)
        for name in [one for one in sys.modules if _concerned(one)]:
            del sys.modules[name]
        sys.modules.update(_replaced)
        _replaced.clear()
        children.let_go()
        if "leyden_lightning.incumbent" in sys.modules:
            from leyden_lightning.incumbent import detach

            detach()
        go_home()


def _concerned(name: str) -> bool:
    return name.partition(".")[0] in ROOTS
