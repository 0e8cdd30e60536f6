from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden.testing import TinyData, TinyModule
from leyden_provenance.plugin import git


def saved(folder: Path, **keywords: Any) -> dict[str, Any]:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = leyden.Trainer(
        max_epochs=1, default_root_dir=folder, enable_checkpointing=False, **quiet, **keywords
    )
    trainer.fit(TinyModule(), datamodule=TinyData())
    trainer.save_checkpoint(folder / "a.ckpt")
    found: dict[str, Any] = torch.load(folder / "a.ckpt", weights_only=True)["leyden"]["provenance"]
    return found


def test_what_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [
        "train.py",
        "--lr",
        "1",
        "--api-key",
        "abc",
        "--token=def",
        "password=x",
        "--secret",
        "--flag",
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.chdir(tmp_path)
    found = saved(tmp_path, callbacks=[leyden.Callback()])
    hidden = ["--api-key", "<hidden>", "--token=<hidden>", "password=<hidden>", "--secret", "--flag"]
    assert found["command"] == ["train.py", "--lr", "1", *hidden]
    assert (found["folder"], found["git"]) == (str(tmp_path), None)
    assert found["torch"] == torch.__version__
    assert found["keywords"]["max_epochs"] == 1
    assert "Callback" in found["keywords"]["callbacks"][0]


def test_the_commit(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        name = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *name, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert git(str(tmp_path)) is None
    run("init", "-q", "-b", "trunk")
    (tmp_path / "a").write_text("1")
    run("add", "a")
    run("commit", "-q", "-m", "one")
    commit = run("rev-parse", "HEAD")
    assert git(str(tmp_path)) == {"commit": commit, "branch": "trunk", "changed": False}
    (tmp_path / "a").write_text("2")
    assert git(str(tmp_path)) == {"commit": commit, "branch": "trunk", "changed": True}


def test_a_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git(str(tmp_path)) is None
