"""``__module__`` of public classes: where a program for Lightning expects them.

Pickles, torch's lists of safe classes and programs that look at ``__module__`` name a class by its module. A class that
is reached through Lightning's names says the module that Lightning has it in. Where it really stands is kept in
``__leyden_home__``, for whoever asks which distribution it belongs to.
"""

from __future__ import annotations

import sys
from types import ModuleType

from leyden_lightning.names import PAGES

_moved: list[type] = []


def move(kind: type, page: ModuleType) -> bool:
    """Let a class of Leyden say that it stands in a module of Lightning's.

    The module gets the names and the file of the module where the class really stands, so that annotations and
    source code are still found. Types are looked up by their ``__module__`` alone.

    Returns:
        Whether the class has moved now.
    """
    if "__leyden_home__" in vars(kind) or not kind.__module__.partition(".")[0].startswith("leyden"):
        return False
    real = sys.modules[kind.__module__]
    for name, value in vars(real).items():
        if not name.startswith("__") and name not in PAGES[page.__name__]:
            vars(page).setdefault(name, value)
    if getattr(page, "__file__", None) is None and getattr(real, "__file__", None):
        page.__file__ = real.__file__
    kind.__leyden_home__ = kind.__module__  # type: ignore[attr-defined]
    kind.__module__ = page.__name__
    _moved.append(kind)
    return True


def go_home() -> None:
    """Give every class its own module back."""
    while _moved:
        kind = _moved.pop()
        kind.__module__ = kind.__leyden_home__  # type: ignore[attr-defined]
        del kind.__leyden_home__  # type: ignore[attr-defined]
