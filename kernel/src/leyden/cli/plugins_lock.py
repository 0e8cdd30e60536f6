"""``leyden plugins lock``: write down exactly what may run, and compare."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from leyden.plugins.catalogue import GROUPS, Catalogue
from leyden.plugins.errors import ConfigurationError
from leyden.plugins.lock import FORMAT, Pins, fingerprint, read
from leyden.plugins.selection import Selection, canonical


def run(arguments: Namespace) -> int:
    """Write the lock, or verify that what is installed is what it says; status 1 where not.

    Raises:
        leyden.errors.ConfigurationError: the file cannot be read or written.
    """
    path = Path(arguments.file)
    found = installed()
    if not arguments.verify:
        text = json.dumps({"format": FORMAT, "plugins": found}, indent=2, sort_keys=True)
        try:
            path.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error}.") from error
        print(f"{path}: {len(found)} distributions. Runs obey it under LEYDEN_PLUGINS_LOCK={path} or")
        print(f'[tool.leyden] lock = "{path}" in pyproject.toml.')
        return 0
    if not path.is_file():
        raise ConfigurationError(f"There is no lock {str(path)!r}. Write it with `leyden plugins lock`.")
    complaints = differences(read(path, path.stat().st_mtime_ns), found)
    print("\n".join(complaints) or f"{path}: all {len(found)} distributions are as locked.")
    return 1 if complaints else 0


def installed() -> dict[str, dict[str, Any]]:
    """What is installed and not disabled, as a lock has it; a lock in force plays no part."""
    now = Selection.current()
    everything = Catalogue(Selection(now.allow, now.deny, now.strict, now.source))
    found: dict[str, dict[str, Any]] = {}
    for group in GROUPS:
        for entry in everything.group(group):
            if entry.refusal is None:
                one = found.setdefault(
                    canonical(entry.distribution), {"version": entry.version, "packages": {}}
                )
                package = entry.module.partition(".")[0]
                one["packages"][package] = fingerprint(package)
    return found


def differences(pins: Pins, found: Pins) -> list[str]:
    """One line for each distribution that is not as locked."""
    lines = []
    for name in sorted({*pins, *found}):
        if name not in found:
            lines.append(f"{name}: locked, and not installed")
        elif name not in pins:
            lines.append(f"{name}: installed, and not locked; runs refuse it")
        elif pins[name]["version"] != found[name]["version"]:
            lines.append(
                f"{name}: version {pins[name]['version']} is locked, {found[name]['version']} is installed"
            )
        elif pins[name]["packages"] != found[name]["packages"]:
            changed = {
                key for key, one in found[name]["packages"].items() if pins[name]["packages"].get(key) != one
            }
            lines.append(
                f"{name}: the files of {', '.join(sorted(changed)) or 'its packages'} are not those locked"
            )
    return lines
