"""What distributions of plugins require of each other, from their metadata."""

from __future__ import annotations

import importlib_metadata
from packaging.requirements import Requirement

from leyden.plugins.catalogue import Entry, catalogue
from leyden.plugins.selection import canonical


def requirements(distribution: str) -> list[Requirement]:
    """The requirements of an installed distribution, those of its extras left out; none when it is not installed."""
    try:
        lines = importlib_metadata.requires(distribution) or []
    except importlib_metadata.PackageNotFoundError:
        return []
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def siblings(distribution: str, name: str) -> list[Requirement]:
    """The requirements of a distribution on another."""
    return [one for one in requirements(distribution) if canonical(one.name) == canonical(name)]


def required_plugins(distribution: str) -> set[str]:
    """The distributions of plugins that a distribution requires, directly or not, itself included."""
    plugins = {canonical(entry.distribution) for entry in catalogue().everything()}
    found: set[str] = set()
    waiting = [canonical(distribution)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [canonical(one.name) for one in requirements(name) if canonical(one.name) in plugins]
    return found


def packages_of_others(entry: Entry) -> set[str]:
    """The packages of installed plugins that an entry's distribution does not require."""
    own = required_plugins(entry.distribution)
    everything = catalogue().everything()
    kept = {one.module.partition(".")[0] for one in everything if canonical(one.distribution) in own} | {
        "leyden"
    }
    return {one.module.partition(".")[0] for one in everything} - kept
