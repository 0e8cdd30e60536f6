"""The words for families of plugins."""

from __future__ import annotations

from leyden.plugins.catalogue import (
    COMMANDS,
    COMPONENTS,
    DEFAULTS,
    DIALECTS,
    NAMES,
    OPTIONS,
    PLUGINS,
    PREFIX,
    Entry,
    catalogue,
)
from leyden.plugins.errors import ConfigurationError, PluginNotFoundError, did_you_mean, listed
from leyden.plugins.selection import canonical

WORDS = {
    PLUGINS: "hook plugin",
    OPTIONS: "option",
    DEFAULTS: "default option",
    COMMANDS: "command",
    NAMES: "name",
    DIALECTS: "dialect",
    **{PREFIX + family: word for family, word in COMPONENTS.items()},
}


def family_of(group: str) -> str:
    """The word for one plugin of a group."""
    return WORDS[group]


def named(family: str) -> str:
    """The group of a family, which may be written as the word for one plugin or as the group's own.

    Raises:
        leyden.errors.ConfigurationError: there is no such family.
    """
    asked = family.lower().replace("-", " ").replace("_", " ")
    for group, word in WORDS.items():
        if asked in (word, *word.split(), group, group.removeprefix(PREFIX).replace("_", " ")):
            return group
    words = set(WORDS.values())
    raise ConfigurationError.about("--family", family, listed(words), did_you_mean(family, words))


def selected(name: str) -> list[Entry]:
    """The entries that a name stands for: a plugin, ``distribution:plugin``, or a distribution.

    Raises:
        leyden.errors.PluginNotFoundError: nothing of that name is installed.
    """
    distribution, _, short = name.rpartition(":")
    everything = [entry for entry in catalogue().everything() if entry.group != DEFAULTS]
    found = [
        one
        for one in everything
        if one.name == short and canonical(distribution) in ("", canonical(one.distribution))
    ]
    found = found or [one for one in everything if canonical(one.distribution) == canonical(name)]
    if not found:
        names = {entry.name for entry in everything} | {entry.distribution for entry in everything}
        raise PluginNotFoundError(
            f"Nothing named {name!r} is installed. {did_you_mean(name, names)}".rstrip()
        )
    return found
