"""Module attributes that are imported when first used (PEP 562)."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def collecting_later() -> Iterator[None]:
    """Leave the garbage collector alone while modules are imported, which make many objects and hardly any garbage.

    A full collection that they set off goes through all that torch has made: 0.1 s, a tenth of its import.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def lazy(
    module: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make ``__getattr__``, ``__dir__`` and ``__all__`` for a module.

    Args:
        module: the module's name.
        names: attribute → the module that defines it; the module itself where the attribute is a submodule.
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        with collecting_later():
            home = import_module(names[name])
        value = home if names[name] == f"{module}.{name}" else getattr(home, name)
        setattr(sys.modules[module], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[module]), *names}), sorted(names)
