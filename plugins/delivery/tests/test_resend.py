"""``leyden resend``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from leyden.cli import main
from leyden.errors import ConfigurationError
from leyden_delivery import read, resend
from leyden_delivery.kept import write

HEADER = {"logger": "mine", "arguments": {"url": "u"}}


class Mine:
    made: ClassVar[list[Any]] = []
    taken: ClassVar[list[Any]] = []
    limit = 10_000

    def __init__(self, url: str) -> None:
        self.made.append(url)

    def deliver(self, items: list[Any]) -> None:
        if len(self.taken) + len(items) > self.limit:
            raise ConnectionError("full")
        self.taken.extend(items)


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> type[Mine]:
    def resolve(family: str, name: str) -> Any:
        assert (family, name) == ("loggers", "mine")
        return Mine

    monkeypatch.setattr(Mine, "made", [])
    monkeypatch.setattr(Mine, "taken", [])
    monkeypatch.setattr("leyden.plugins.components.resolve", resolve)
    return Mine


def test_a_file_is_delivered_and_removed(
    tmp_path: Path, mine: type[Mine], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "run.jsonl", HEADER, list(range(450)))
    assert main(["resend", str(tmp_path / "run.jsonl")]) == 0
    assert (mine.made, mine.taken) == (["u"], list(range(450)))
    assert "450 records delivered" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_taken_stays(
    tmp_path: Path, mine: type[Mine], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mine, "limit", 200)
    write(tmp_path / "run.jsonl", HEADER, list(range(450)))
    assert main(["resend", str(tmp_path / "run.jsonl")]) == 1
    assert "ConnectionError: full" in capsys.readouterr().err
    assert mine.taken == list(range(200))
    assert read(tmp_path / "run.jsonl") == (HEADER, list(range(200, 450)))


@pytest.mark.parametrize("content", [None, b"", b"step,loss\n", b"[1]\n", b'{"leyden-delivery":1}\n'])
def test_other_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "other").write_bytes(content)
    with pytest.raises(ConfigurationError, match="^file="):
        resend(tmp_path / "other")
