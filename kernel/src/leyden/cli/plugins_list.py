"""``leyden plugins list``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from leyden.cli import table
from leyden.cli.families import family_of, named
from leyden.plugins.catalogue import DEFAULTS, GROUPS, Entry, catalogue
from leyden.plugins.errors import PluginError

MANY = 20
"""So many plugins of one family and distribution are one row where a person looks at all families."""
COLUMNS = ("name", "family", "state", "distribution", "version", "value")


def run(arguments: Namespace) -> int:
    """Print the plugins."""
    groups = [named(arguments.family)] if arguments.family else [one for one in GROUPS if one != DEFAULTS]
    entries = [entry for group in groups for entry in catalogue().group(group)]
    rows = [describe(entry, hooks=arguments.all) for entry in entries]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    columns = [*COLUMNS[:5], *(["hooks"] if arguments.all else []), "note"]
    noted = any(row["note"] for row in rows)
    if not noted:
        columns.remove("note")
    if sys.stdout.isatty() and not arguments.family and not arguments.all:
        rows = folded(rows)
    table.write(columns, [[str(row[column]) for column in columns] for row in rows], prose=noted)
    return 0


def folded(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows, with one in the place of many that differ in their names alone."""
    alike: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        alike.setdefault(tuple(row[one] for one in (*COLUMNS[1:5], "note")), []).append(row)
    return [row for same in alike.values() for row in (same if len(same) <= MANY else [together(same)])]


def together(rows: list[dict[str, str]]) -> dict[str, str]:
    """One row that says how many it stands for, and how to see them."""
    return {**rows[0], "name": f"({len(rows)}: --family {rows[0]['family']})"}


def describe(entry: Entry, *, hooks: bool) -> dict[str, str]:
    """What is known about an entry.

    Args:
        entry: the entry point.
        hooks: whether it is imported to see what it listens to.
    """
    listens = {"hooks": " ".join(hooks_of(entry))} if hooks else {}
    failure = f"{entry.failure[0]} failed: {entry.failure[1]}" if entry.failure else ""
    note = " ".join((entry.refusal or entry.incompatibility or failure).split())
    found = (entry.name, family_of(entry.group), entry.state, entry.distribution, entry.version, entry.value)
    return {**dict(zip(COLUMNS, found, strict=True)), **listens, "note": note}


def hooks_of(entry: Entry) -> list[str]:
    """The hooks that an entry's class or module implements; none where it cannot be loaded or does not listen."""
    from leyden.testing.validation import hooks_of as implemented

    try:
        return implemented(entry, entry.load())
    except PluginError:
        return []
