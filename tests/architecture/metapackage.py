"""The metapackage's extras and the README's table of plugins, from the plugin folders.

Which plugins are default ones is said by hand, in ``dependencies`` of the root's pyproject.toml.
``python -m tests.architecture.metapackage`` writes the rest.
"""

from __future__ import annotations

import re

from leyden.plugins.catalogue import COMPONENTS, PREFIX
from tests.architecture.repository import KERNEL, METAPACKAGE, PLUGINS, ROOT, Distribution

PYPROJECT, README = ROOT / "pyproject.toml", ROOT / "README.md"
_EXTRAS = re.compile(r"(?<=\[project\.optional-dependencies\]\n).*?(?=\n\[)", re.DOTALL)
_TABLE = re.compile(
    r"(?<=\| name \| distribution \| \| what it gives \|\n\|---\|---\|---\|---\|\n).*?(?=\n\n)", re.DOTALL
)
_WHERE = re.compile(r",? (?:for|in) Leyden$|^Leyden ")
_MOST = 6
_CLASSES = ("callbacks", "metrics", "tuners")
"""Families whose components are asked for by class rather than by name."""


def pyproject() -> str:
    """The root's pyproject.toml with an extra for each plugin that is not a default one."""
    names = sorted(one.folder.name for one in PLUGINS if one.name not in METAPACKAGE.depends_on)
    lines = [f'{name} = ["leyden-{name}~=0.1.0"]' for name in names]
    every = f'all = ["leyden[{",".join(names)}]"]'
    return _EXTRAS.sub(lambda _: "\n".join([*lines, every]) + "\n", PYPROJECT.read_text(encoding="utf-8"))


def readme() -> str:
    """The README with a row for each plugin, by family."""
    rows = [_row(one) for one in sorted(PLUGINS, key=_place)]
    return _TABLE.sub(lambda _: "\n".join(rows), README.read_text(encoding="utf-8"))


def _place(plugin: Distribution) -> tuple[int, str]:
    families = [*COMPONENTS, "options", "commands", "plugins"]
    own = [families.index(one) for one in families if PREFIX + one in plugin.entry_points]
    return min(own, default=len(families)), plugin.name


def _row(plugin: Distribution) -> str:
    description = str(plugin.project["description"])
    text = description.partition(": ")[2] or _WHERE.sub("", description)
    mark = " ● " if plugin.name in METAPACKAGE.depends_on else " "
    link = f"[{plugin.name}](plugins/{plugin.folder.name}/README.md)"
    return f"| {_offers(plugin)} | {link} |{mark}| {text} |"


def _offers(plugin: Distribution) -> str:
    found = []
    for family, word in COMPONENTS.items():
        table = plugin.entry_points.get(PREFIX + family, {})
        if family in _CLASSES:
            found += _some(sorted({target.partition(":")[2] for target in table.values()}))
        elif table:
            found.append(f"{word} {', '.join(_some(list(table)))}")
    keywords = plugin.entry_points.get("leyden.options", {})
    if keywords:
        found.append(f"keyword {', '.join(_some(list(keywords)))}")
    found += [f"command `{name}`" for name in plugin.entry_points.get("leyden.commands", {})]
    return ", ".join(found) or f"`{plugin.module}`"


def _some(names: list[str]) -> list[str]:
    return [*(f"`{name}`" for name in names[:_MOST]), *(["…"] if len(names) > _MOST else [])]


if __name__ == "__main__":
    assert KERNEL.name in METAPACKAGE.depends_on
    PYPROJECT.write_text(pyproject(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
