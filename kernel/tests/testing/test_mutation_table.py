"""The table in the documentation is that of the plugins that test_contracts breaks."""

from __future__ import annotations

from kernel.tests.testing.mutants import MUTANTS, TYPICAL
from kernel.tests.testing.mutation_table import MARKED, PAGE, page, table


def test_there_are_twenty_typical_ways_and_each_is_tried() -> None:
    assert len(TYPICAL) == len(set(TYPICAL)) == 20
    assert set(TYPICAL) <= set(MUTANTS)


def test_the_page_has_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert MARKED.search(text) and table() in text
    assert page(text) == text, "run: python -m kernel.tests.testing.mutation_table"


def test_another_table_is_replaced() -> None:
    text = "before\n<!-- mutants -->\n| old |\n<!-- end of mutants -->\nafter"
    assert page(text) == f"before\n<!-- mutants -->\n\n{table()}\n\n<!-- end of mutants -->\nafter"
