"""The table in docs/testing-plugins.md; ``python -m kernel.tests.testing.mutation_table`` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from kernel.tests.testing.mutants import FAMILIES, MUTANTS, TYPICAL

PAGE = Path(__file__).resolve().parents[3] / "docs" / "testing-plugins.md"
MARKED = re.compile(r"(<!-- mutants -->\n).*?(<!-- end of mutants -->)", re.DOTALL)


def table() -> str:
    """The twenty typical ways first, then the others; each with the test that fails."""
    rows = ["| a plugin that … | | is caught by |", "|---|---|---|"]
    for name in [*TYPICAL, *(one for one in MUTANTS if one not in TYPICAL)]:
        mutant = MUTANTS[name]
        mark = "typical" if name in TYPICAL else ""
        rows.append(f"| {name} | {mark} | `{FAMILIES[mutant.family].contract}.{mutant.caught_by}` |")
    return "\n".join(rows)


def page(text: str) -> str:
    """The page with the table as it should be."""
    return MARKED.sub(lambda match: f"{match[1]}\n{table()}\n\n{match[2]}", text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
