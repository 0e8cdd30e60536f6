"""The Python blocks of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.architecture.repository import ROOT

GENERATED = ROOT / "docs" / "hooks.md"
FENCE = re.compile(r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        page: the file, relative to the repository.
        line: the number of its first line of code.
        code: the code.
        not_run: why it cannot run alone, as the comment before it says; empty when it can.
    """

    page: Path
    line: int
    code: str
    not_run: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path, text: str) -> list[Block]:
    """The Python blocks of a page, in order."""
    found = []
    for match in FENCE.finditer(text):
        mark = MARK.search(text[: match.start()])
        line = text[: match.start("code")].count("\n") + 1
        found.append(Block(page, line, dedent(match["code"]), mark["reason"] if mark else ""))
    return found


def pages() -> list[Path]:
    """The pages whose blocks must run, relative to the repository."""
    found = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    return sorted(page.relative_to(ROOT) for page in found if page != GENERATED)


def blocks_of(page: Path) -> list[Block]:
    """The Python blocks of a page of the repository."""
    return blocks(page, (ROOT / page).read_text(encoding="utf-8"))
