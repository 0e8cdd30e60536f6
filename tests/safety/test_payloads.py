"""No load runs what a file names, and each refusal names file and key."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.safety import elsewhere, payloads
from tests.safety.payloads import CASES, KINDS, PLACES, TRAP, executed, forget

pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_no_payload_runs(kind: str, tmp_path: Path) -> None:
    found = payloads.survey("leyden", [one for one in CASES if one.kind == kind], tmp_path)
    assert found == {
        "cases": len(PLACES),
        "executed": [],
        "loaded": [],
        "file not named": [],
        "key not named": [],
    }


def test_no_payload_runs_elsewhere(tmp_path: Path) -> None:
    found = elsewhere.survey(tmp_path)
    assert found == {
        "cases": len(elsewhere.READERS) * len(KINDS) + len(elsewhere.TEXTS),
        "executed": [],
        "silent": [],
        "not named": [],
    }
    assert found["cases"] + len(CASES) > 362


def test_the_payloads_are_dangerous(tmp_path: Path) -> None:
    for kind, make in KINDS.items():
        torch.save(make(), tmp_path / "one.pt")
        torch.load(tmp_path / "one.pt", weights_only=False)
        assert executed(tmp_path / TRAP), kind
        forget(tmp_path / TRAP)


@pytest.mark.parametrize("tag", elsewhere.TAGS)
def test_the_texts_are_dangerous(tag: str, tmp_path: Path) -> None:
    import yaml

    made = yaml.unsafe_load(elsewhere.TAGS[tag])
    if tag == "c":  # a function to be called by whoever reads it
        made(f"mkdir {TRAP}")
    getattr(made, "wait", lambda: None)()
    assert executed(tmp_path / TRAP)
    forget(tmp_path / TRAP)
