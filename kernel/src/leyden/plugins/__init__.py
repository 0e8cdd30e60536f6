"""Discovery, selection and adaptation of plugins. Imports no torch, and no plugin until it is asked for by name."""

from __future__ import annotations

from leyden.plugins.catalogue import COMPONENTS, Catalogue, Entry, catalogue, refresh
from leyden.plugins.components import find, resolve
from leyden.plugins.manager import Manager, hookimpl
from leyden.plugins.registry import Active, active, register, unregister
from leyden.plugins.selection import Selection

__all__ = [
    "COMPONENTS",
    "Active",
    "Catalogue",
    "Entry",
    "Manager",
    "Selection",
    "active",
    "catalogue",
    "find",
    "hookimpl",
    "refresh",
    "register",
    "resolve",
    "unregister",
]
