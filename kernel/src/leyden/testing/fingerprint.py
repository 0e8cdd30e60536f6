"""What a value holds, in a form that can be compared later, when the value itself may have changed."""

from __future__ import annotations

import inspect
import logging
import os
import re
import sys
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from types import ModuleType
from typing import Any

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_OPAQUE = (
    logging.Logger,
    re.Pattern,
    weakref.ref,
    threading.Thread,
    type(threading.Lock()),
    ModuleType,
    type,
)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
DEPTH = 6


def fingerprint(value: Any, *, identity: bool = False) -> Any:
    """Describe a value by what it holds: containers and attributes are followed.

    Args:
        value: anything.
        identity: whether another object with equal contents counts as a change; the caller keeps the objects alive.
    """
    return _Describer(identity).describe(value, DEPTH)


class _Describer:
    def __init__(self, identity: bool) -> None:
        self.identity = identity
        self.seen: dict[int, Any] = {}

    def describe(self, value: Any, depth: int) -> Any:
        if isinstance(value, _PLAIN):
            return (type(value).__name__, repr(value))
        if isinstance(value, _OPAQUE) or inspect.isroutine(value):
            return _name(value)
        if isinstance(value, os.PathLike):
            return ("path", os.fspath(value))
        if depth == 0 or id(value) in self.seen:
            return _name(type(value))
        self.seen[id(value)] = value
        if callable(getattr(value, "detach", None)) and hasattr(value, "dtype"):
            return ("tensor", str(value.dtype), repr(value.detach().cpu().tolist()))
        return (_name(type(value)), *self._contents(value, depth - 1))

    def _contents(self, value: Any, depth: int) -> tuple[Any, ...]:
        if isinstance(value, Mapping):
            return tuple((self.describe(key, depth), self.describe(one, depth)) for key, one in value.items())
        if isinstance(value, list | tuple | deque):
            return tuple(self.describe(one, depth) for one in value)
        if isinstance(value, set | frozenset):
            return tuple(sorted(repr(self.describe(one, depth)) for one in value))
        held = tuple((name, self.describe(one, depth)) for name, one in attributes(value).items())
        return (id(value) if self.identity else None, *(held or (_ADDRESS.sub("", repr(value)),)))


def attributes(value: Any) -> dict[str, Any]:
    """The attributes that an object holds itself, those in slots included."""
    slots = [name for cls in type(value).__mro__ for name in _slots(cls)]
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return {**found, **getattr(value, "__dict__", {})}


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _name(value: Any) -> str:
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"


class Globals:
    """A snapshot of what the modules of a package and their classes hold.

    Args:
        package: the top-level package, e.g. ``leyden_logger_csv``.
    """

    def __init__(self, package: str) -> None:
        self.held = {name: one for space, table in _spaces(package) for name, one in _entries(space, table)}
        self._prints = {name: fingerprint(one, identity=True) for name, one in self.held.items()}

    def changed(self, before: Globals) -> list[str]:
        """The names whose values are not what they were; names that are new do not count while modules are imported."""
        return sorted(name for name, one in self._prints.items() if one != before._prints.get(name, one))


def _spaces(package: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Modules and classes of a package with their namespaces."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package and isinstance(module, ModuleType):
            found.append((name, vars(module)))
            classes = [
                one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == name
            ]
            found += [(f"{name}.{one.__qualname__}", vars(one)) for one in classes]
    return found


def _entries(space: str, table: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(f"{space}.{name}", one) for name, one in list(table.items()) if _is_state(name, one)]


def _is_state(name: str, value: Any) -> bool:
    if name.startswith("__") or name == "_abc_impl":
        return False
    described = (
        inspect.isroutine(value) or inspect.isdatadescriptor(value) or inspect.isgetsetdescriptor(value)
    )
    return not (described or isinstance(value, staticmethod | classmethod | ModuleType | type))
