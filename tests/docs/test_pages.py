"""What the documentation says about the repository is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leyden.cli.plugins_hooks import reference
from tests.architecture.repository import KERNEL, METAPACKAGE, ROOT, python_files
from tests.docs.blocks import GENERATED, pages

LINK = re.compile(r"\]\((?!https?://|#)(?P<path>[^)#\s]+)(?:#[^)\s]*)?\)")
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
WARNING_ROW = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_hook_reference_is_that_of_the_specifications() -> None:
    assert GENERATED.read_text(encoding="utf-8") == reference(), "run: leyden plugins hooks > docs/hooks.md"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    folder = (ROOT / page).parent
    paths = LINK.findall(FENCED.sub("", _read(str(page))))
    assert [path for path in paths if not (folder / path).exists()] == []


def test_the_overview_links_every_page() -> None:
    linked = {ROOT / "docs" / path for path in LINK.findall(_read("docs/index.md"))}
    assert set(ROOT.glob("docs/**/*.md")) - linked == {ROOT / "docs" / "index.md"}


def test_the_readme_lists_the_plugins_of_the_metapackage() -> None:
    marks = dict(re.findall(r"\| \[(leyden-[a-z-]+)\]\(plugins/[^)]+\) \|( ●)? \|", _read("README.md")))
    extras = {one.name for extra, many in METAPACKAGE.extras.items() if extra != "all" for one in many}
    assert marks.keys() == (METAPACKAGE.depends_on | extras) - {KERNEL.name}
    assert {name for name, mark in marks.items() if mark} == METAPACKAGE.depends_on - {KERNEL.name}


def test_the_warnings_of_the_kernel_are_listed() -> None:
    table = _read("docs/differences.md").split("## Warnings")[1].split("\n## ")[0]
    listed = WARNING_ROW.findall(table)
    assert listed == sorted({name for path in python_files(KERNEL.source) for name in _warnings(path)})


def _warnings(path: Path) -> Iterator[str]:
    """The ids with which a file calls ``warn``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "warn" and node.args:
            identifier = node.args[0]
            assert isinstance(identifier, ast.Constant), f"{path}:{node.lineno}: the id is no literal"
            yield str(identifier.value)
