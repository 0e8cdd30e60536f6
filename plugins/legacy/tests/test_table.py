"""The documentation lists what the code understands."""

from __future__ import annotations

from pathlib import Path

import pytest

from leyden.plugins.catalogue import catalogue
from leyden_legacy import supers, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "migrating-1x.md"


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the documentation is not beside the plugin")
def test_the_documentation_is_in_step() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").endswith(
        "## Older spelling and present form\n\n" + table.markdown()
    )


def test_every_keyword_stands_in_the_table() -> None:
    entries = [one for one in catalogue().group("leyden.options") if one.distribution == "leyden-legacy"]
    assert {one.name for one in entries} == {one.keyword for one in table.keywords()}
    assert all(one.load().keyword == one.name for one in entries)


def test_every_keyword_of_log_stands_in_the_table() -> None:
    text = " ".join(old for old, _ in table.STEPS)
    assert all(one in text for one in supers.LOG_KEYWORDS)
