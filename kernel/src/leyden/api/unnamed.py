"""Plugins that take part because they are installed: a broken one is told, and the run goes on without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from leyden.api.warn import warn
from leyden.plugins.catalogue import Entry, catalogue, official
from leyden.plugins.components import single
from leyden.plugins.errors import LeydenError, PluginBrokenError, PluginConflictError, shown
from leyden.plugins.selection import KERNEL

T = TypeVar("T")


def working(entries: Iterable[Entry], stage: str, make: Callable[[Any], T], strict: bool = False) -> list[T]:
    """What is made of those entries that may run; for one that breaks, a warning.

    Args:
        entries: entries that nobody named.
        stage: what is done with them, e.g. ``"creation"``.
        make: does it with a loaded entry.
        strict: whether a broken one raises, as it does under ``LEYDEN_PLUGINS_STRICT=1``.

    Raises:
        leyden.errors.PluginBrokenError: one is broken, and that was not to be tolerated.
    """
    made: list[T] = []
    for entry in entries:
        if entry.obstacle is None:
            try:
                loaded = entry.load()
                made.append(entry.attempt(stage, lambda loaded=loaded: make(loaded)))  # type: ignore[misc]
            except PluginBrokenError as error:
                _tell(error, strict)
    return made


def guarded(entry: Entry, stage: str, do: Callable[[], T]) -> T:
    """Have a plugin do something; what it raises on purpose is for the user, anything else is a defect of it.

    Raises:
        leyden.errors.PluginBrokenError: an exception that is none of Leyden's own.
    """
    try:
        return do()
    except LeydenError:
        raise
    except Exception as error:
        failed = error

    def fail() -> T:
        raise failed

    return entry.attempt(stage, fail)


def tolerated(group: str, name: str, stage: str, do: Callable[[], None]) -> None:
    """Have a plugin that nobody named do something; where it is broken, a warning.

    Raises:
        leyden.errors.PluginBrokenError: it is broken, and ``LEYDEN_PLUGINS_STRICT=1``.
    """
    try:
        guarded(single(catalogue().named(group, standard(group, name)), name), stage, do)
    except PluginBrokenError as error:
        _tell(error)


def _tell(error: PluginBrokenError, strict: bool = False) -> None:
    if strict or catalogue().selection.strict:
        raise error
    warn("plugin-broken", f"{error} The run goes on without it.", stacklevel=5)


def unnamed(group: str, name: str, base: Callable[..., T], **arguments: Any) -> list[T]:
    """An instance of what a name that nobody gave stands for; nothing where it is not there or does not work.

    Args:
        group: the entry-point group.
        name: the name there.
        base: the interface of the family.
        arguments: what the class is called with.

    Raises:
        leyden.errors.PluginError: it is broken or claimed by several, and ``LEYDEN_PLUGINS_STRICT=1``.
    """
    found = catalogue().named(group, standard(group, name))
    try:
        entries = [single(found, f"{name!r} in {group}")] if found else []
    except PluginConflictError as error:
        if catalogue().selection.strict:
            raise
        warn("plugin-conflict", f"{error} The run goes on without them.", stacklevel=4)
        return []
    return working(entries, "creation", instance_of(base, **arguments))


def instance_of(base: Callable[..., T], **arguments: Any) -> Callable[[Any], T]:
    """Makes an instance of a class, which must be a subclass of its family's interface."""
    interface: Any = base  # a class; mypy takes no abstract one for a type[T]

    def make(loaded: Any) -> T:
        if not (isinstance(loaded, type) and issubclass(loaded, interface)):
            home = f"{interface.__module__}.{interface.__qualname__}"
            raise TypeError(f"{shown(loaded)} is no {interface.__name__}. Make it a subclass of {home}.")
        made: T = loaded(**arguments)
        return made

    return make


def standard(group: str, name: str) -> str:
    """A name that nobody gave stands for the project's own plugin, also where others claim it, too."""
    claim = {one.distribution for one in catalogue().named(group, name) if one.obstacle is None}
    own = {KERNEL, *official().get(group, {}).get(name, [])[:1]} & claim
    return f"{own.pop()}:{name}" if own and len(claim) > 1 else name
