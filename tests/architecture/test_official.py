"""The official catalogue inside the kernel is the one that the plugin folders declare."""

from __future__ import annotations

import json

from tests.architecture import official


def test_the_official_catalogue_is_up_to_date() -> None:
    written = json.loads(official.FILE.read_text(encoding="utf-8"))
    assert written == official.catalogue(), "run: python -m tests.architecture.official"
