"""Classes that are installed as plugins, for their short names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from leyden.errors import PluginError
from leyden.plugins.catalogue import PREFIX, catalogue

FAMILIES = (
    "accelerators", "callbacks", "checkpoint_ios", "environments", "loggers", "precisions", "profilers", "strategies",
)  # fmt: skip


@cache
def load_installed() -> None:
    """Import every installed component, so that jsonargparse finds it below its base class by its short name."""
    for entry in _entries():
        try:
            entry.load()
        except PluginError:
            continue  # nobody asked for this one; naming it says what is wrong with it


def short_names() -> set[str]:
    """The classes' names."""
    return {entry.attribute for entry in _entries()}


def subclass_names(bases: Iterable[type]) -> set[str]:
    """The names of what has been imported below some classes."""
    found: set[str] = set()
    for base in bases:
        below: list[type] = base.__subclasses__()
        for one in below:
            found |= {one.__name__, *subclass_names([one])}
    return found


def _entries() -> Iterator[Any]:
    for family in FAMILIES:
        for entry in catalogue().group(PREFIX + family):
            if not entry.refusal and not entry.incompatibility:
                yield entry
