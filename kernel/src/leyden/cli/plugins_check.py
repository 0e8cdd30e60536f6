"""``leyden plugins check``."""

from __future__ import annotations

from argparse import Namespace
from importlib.metadata import PackageNotFoundError, version

from leyden.cli import table
from leyden.cli.families import family_of, selected
from leyden.plugins.catalogue import DEFAULTS, Entry, catalogue
from leyden.plugins.errors import PluginError

REMEDY = {
    "incompatible": "Install a version of {distribution} that fits: pip install --upgrade {distribution}",
    "blocked": "",
}


def run(arguments: Namespace) -> int:
    """Check plugins and print a row each; status 1 if any is broken or incompatible, or named and blocked."""
    entries = [entry for name in arguments.names for entry in selected(name)]
    everything = [entry for entry in catalogue().everything() if entry.group != DEFAULTS]
    verdicts = [(entry, *verdict(entry, everything)) for entry in entries or everything]
    table.write(
        ("name", "family", "verdict", "distribution", "version", "problem"),
        [
            (one.name, family_of(one.group), state, one.distribution, one.version, text)
            for one, state, text in verdicts
        ],
        prose=True,
    )
    bad = {"broken", "incompatible", *(["blocked"] if arguments.names else [])}
    return int(any(state in bad for _, state, _ in verdicts))


def verdict(entry: Entry, everything: list[Entry]) -> tuple[str, str]:
    """``ok``, ``blocked``, ``incompatible`` or ``broken``, and what is wrong and how to mend it, in one line."""
    if entry.state in ("blocked", "incompatible"):
        remedy = REMEDY[entry.state].format(distribution=entry.distribution)
        return entry.state, f"{entry.refusal or entry.incompatibility}. {remedy}".strip()
    found = [*conflicts(entry, everything), *missing(entry), *import_problems(entry)]
    return ("broken", " ".join(" ".join(found).split())) if found else ("ok", "")


def conflicts(entry: Entry, everything: list[Entry]) -> list[str]:
    """Other distributions that offer the same name, unless they may not run."""
    others = {
        one.distribution
        for one in everything
        if (one.group, one.name) == (entry.group, entry.name)
        and one.distribution != entry.distribution
        and one.state not in ("blocked", "incompatible")
    }
    return [
        f"{other} offers the same name. Disable one with LEYDEN_DISABLE_PLUGINS, "
        f"or write {entry.distribution}:{entry.name}."
        for other in sorted(others)
    ]


def missing(entry: Entry) -> list[str]:
    """What the distribution requires and is not installed, or not in the version that it wants."""
    from leyden.testing.wanted import requirements

    found = []
    for wanted in requirements(entry.distribution):
        try:
            present = version(wanted.name)
        except PackageNotFoundError:
            found.append(f"It requires {wanted.name}, which is not installed. pip install '{wanted}'")
            continue
        if not wanted.specifier.contains(present, prereleases=True):
            found.append(f"It requires {wanted}, and {present} is installed. pip install '{wanted}'")
    return found


def import_problems(entry: Entry) -> list[str]:
    """What goes wrong when it is imported and looked at, and in a tiny run."""
    from leyden.testing.smoke import smoke
    from leyden.testing.validation import problems

    try:
        loaded = entry.load()
    except PluginError as error:
        return [str(error)]
    return problems(entry, loaded) or smoke(entry, loaded)
