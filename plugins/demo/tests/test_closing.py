from __future__ import annotations

import sys
from pathlib import Path

import pytest

from leyden_demo.closing import columns, near, title


def test_columns_are_aligned() -> None:
    assert columns([("a", "b"), ("longer", "")]) == ["  a       b", "  longer"]


def test_paths_are_relative_where_they_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert near(tmp_path / "logs" / "file") == "logs/file"
    assert near(tmp_path.parent) == str(tmp_path.parent.resolve())


def test_titles_are_bold_in_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert title("text") == "text"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert title("text") == "\x1b[1mtext\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert title("text") == "text"
