"""No load runs what a file names, and each refusal names file and key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from leyden.errors import LeydenError
from leyden.testing import TinyModule
from tests.safety.payloads import CASES, HPARAMS, KINDS, PLACES, TRAP, survey


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_no_payload_runs(kind: str, tmp_path: Path) -> None:
    found = survey("leyden", [one for one in CASES if one.kind == kind], tmp_path)
    assert found == {
        "cases": len(PLACES),
        "executed": [],
        "loaded": [],
        "file not named": [],
        "key not named": [],
    }


@pytest.mark.parametrize("text", HPARAMS)
def test_no_file_of_hyper_parameters_runs_anything(text: str, tmp_path: Path) -> None:
    (tmp_path / "hparams.yaml").write_text(text)
    torch.save({"state_dict": TinyModule().state_dict()}, tmp_path / "a.ckpt")
    with pytest.raises(LeydenError, match=r"hparams\.yaml"):
        TinyModule.load_from_checkpoint(tmp_path / "a.ckpt", hparams_file=tmp_path / "hparams.yaml")
    assert not (tmp_path / TRAP).exists()


def test_the_payloads_are_dangerous(tmp_path: Path) -> None:
    for kind, make in KINDS.items():
        torch.save(make(), tmp_path / "one.pt")
        torch.load(tmp_path / "one.pt", weights_only=False)
        trap = tmp_path / TRAP
        assert trap.exists() or sys.modules.pop("tests.safety.trap", None), kind
        if trap.is_dir():
            trap.rmdir()
        elif trap.exists():
            trap.unlink()
