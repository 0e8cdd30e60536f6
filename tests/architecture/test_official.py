"""What is written from the plugin folders is up to date: the catalogue in the kernel, extras, the README's table."""

from __future__ import annotations

import json

from tests.architecture import metapackage, official


def test_the_official_catalogue_is_up_to_date() -> None:
    written = json.loads(official.FILE.read_text(encoding="utf-8"))
    assert written == official.catalogue(), "run: make catalogue"


def test_the_extras_are_up_to_date() -> None:
    assert metapackage.PYPROJECT.read_text(encoding="utf-8") == metapackage.pyproject(), "run: make catalogue"


def test_the_table_of_plugins_is_up_to_date() -> None:
    assert metapackage.README.read_text(encoding="utf-8") == metapackage.readme(), "run: make catalogue"
