"""The official catalogue: which distribution offers what, so that an error can name what to install.

``python -m tests.architecture.official`` writes it from the pyproject files of ``plugins/`` and ``contrib/``.
"""

from __future__ import annotations

import json

from tests.architecture.repository import ADD_ONS, KERNEL

FILE = KERNEL.source / "plugins" / "official.json"
KINDS = {("leyden.accelerators", "gpu")}
"""Names of a kind of hardware, which several plugins offer; the first of them is what an error says to install."""
Catalogue = dict[str, dict[str, list[str]]]


def catalogue() -> Catalogue:
    """``{group: {name: [distribution, attribute]}}`` of every plugin in the repository, those of ``contrib/`` last."""
    found: Catalogue = {}
    for plugin in ADD_ONS:
        for group, table in plugin.entry_points.items():
            for name, target in table.items():
                shared = (group, name) in KINDS
                assert shared or name not in found.get(group, {}), f"two plugins offer {name!r} in {group}"
                found.setdefault(group, {}).setdefault(name, [plugin.name, target.partition(":")[2]])
    return {group: dict(sorted(table.items())) for group, table in sorted(found.items())}


if __name__ == "__main__":
    FILE.write_text(json.dumps(catalogue(), indent=2) + "\n", encoding="utf-8")
