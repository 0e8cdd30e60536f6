"""A damaged file is named, and never loaded with other weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.safety.damage import survey


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_damage_goes_unnoticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = survey("leyden", 200, tmp_path)
    assert found["loads"] >= 400
    assert (found["wrong"], found["unnamed"], found["unharmed"]) == ([], [], 0)
