"""Components: one of many, picked by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leyden.plugins.catalogue import COMPONENTS, NAMES, PREFIX, Catalogue, Entry, catalogue, official
from leyden.plugins.errors import PluginConflictError, PluginNotFoundError, did_you_mean, listed


def find(family: str, name: str, source: Catalogue | None = None) -> Entry:
    """The one entry that answers to a name.

    Args:
        family: a key of :data:`~leyden.plugins.catalogue.COMPONENTS`, e.g. ``"strategies"``.
        name: the component's name, or ``distribution:name`` where two distributions share it.
        source: the catalogue to look in; the process's own by default.

    Raises:
        PluginNotFoundError: nobody offers it; the message lists what is installed, the nearest spelling and, for the
            project's own plugins, the distribution to install.
        PluginConflictError: several distributions offer it.
    """
    source = source or catalogue()
    found = source.named(PREFIX + family, name)
    if not found:
        raise PluginNotFoundError(missing(family, name, source))
    return single(found, f"{COMPONENTS.get(family, family)} {name!r}")


def resolve(family: str, name: str, source: Catalogue | None = None) -> Any:
    """Load the component that answers to a name; raises as :func:`find` and :meth:`Entry.load` do."""
    return find(family, name, source).load()


def single(found: list[Entry], what: str) -> Entry:
    """The only one of several entries, or an error that names the distributions that offer it."""
    allowed = [entry for entry in found if entry.obstacle is None]
    if not allowed:
        return found[0]  # loading it says why it may not run
    if len({entry.distribution for entry in allowed}) > 1:
        owners = " and ".join(sorted(entry.origin for entry in allowed))
        choices = listed(f"{entry.distribution}:{entry.name}" for entry in allowed)
        raise PluginConflictError(
            f"{what} is offered by {owners}. Pick one of {choices}, or disable one with LEYDEN_DISABLE_PLUGINS."
        )
    return allowed[0]


def missing(family: str, name: str, source: Catalogue) -> str:
    """What to say when nobody offers a name."""
    group = PREFIX + family
    installed = {entry.name for entry in source.group(group)}
    known = official().get(group, {})
    text = f"{COMPONENTS.get(family, family)} {name!r} is not installed; installed: {listed(installed)}."
    if name in known:
        return f"{text} {install(known[name][0])}"
    hint = did_you_mean(name, {*installed, *known})
    return f"{text} {hint}".rstrip()


def install(*distributions: str) -> str:
    """The remedy for what is not there."""
    return f"Install it with: pip install {' '.join(distributions)}"


def by_attribute(family: str, attribute: str, source: Catalogue | None = None) -> Any:
    """Load the component whose entry point names an attribute, e.g. the class ``ModelCheckpoint``.

    What is no component stands in the group ``leyden.names`` under its dotted name below ``leyden``.

    Raises:
        PluginNotFoundError: nobody offers it.
        PluginConflictError: several distributions offer it.
    """
    source = source or catalogue()
    found = source.by_attribute(PREFIX + family, attribute) or source.named(NAMES, f"{family}.{attribute}")
    if found:
        return single(found, f"{attribute!r} of leyden.{family}").load()
    owners = [dist for dist, known in official().get(PREFIX + family, {}).values() if known == attribute]
    owners += official().get(NAMES, {}).get(f"{family}.{attribute}", [])[:1]
    if owners:
        raise PluginNotFoundError(f"leyden.{family}.{attribute} is not installed. {install(owners[0])}")
    names = attributes(family, source)
    raise PluginNotFoundError(
        f"leyden.{family} has no {attribute!r}; installed: {listed(names)}. {did_you_mean(attribute, names)}".rstrip()
    )


def attributes(family: str, source: Catalogue | None = None) -> Iterable[str]:
    """The attributes that the installed entry points of a family name, and the further names beside them."""
    source, start = source or catalogue(), f"{family}."
    further = {
        entry.name.removeprefix(start) for entry in source.group(NAMES) if entry.name.startswith(start)
    }
    return sorted({entry.attribute for entry in source.group(PREFIX + family)} | further)
