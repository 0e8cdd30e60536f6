"""Views of the catalogue as modules: ``from leyden.callbacks import ModelCheckpoint``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from leyden.api._lazy import collecting_later
from leyden.api.warn import warn
from leyden.plugins import components
from leyden.plugins.errors import PluginError, PluginNotFoundError


def view(family: str, **bases: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make ``__getattr__`` and ``__dir__`` for a family's module.

    Args:
        family: the family, e.g. ``"callbacks"``.
        bases: names that the kernel itself defines, with the module they stand in.
    """

    def get(name: str) -> Any:
        if name == "__all__":
            return sorted({*bases, *_working(family)})
        if name.startswith("__"):
            raise AttributeError(name)
        if name in bases:
            return getattr(import_module(bases[name]), name)
        try:
            with collecting_later():
                return components.by_attribute(family, name)
        except PluginNotFoundError as error:
            raise MissingNameError(str(error)) from None

    return get, lambda: sorted({*bases, *components.attributes(family)})


def _working(family: str) -> Iterator[str]:
    """The names that ``import *`` brings: nobody asked for the broken ones."""
    for name in components.attributes(family):
        try:
            components.by_attribute(family, name)
        except PluginError as error:
            warn("plugin-broken", f"{error} It is left out of leyden.{family}.", stacklevel=4)
        else:
            yield name


class MissingNameError(PluginNotFoundError, ImportError):
    """A name that no installed plugin offers, as ``from leyden.callbacks import …`` raises it: with the remedy."""
