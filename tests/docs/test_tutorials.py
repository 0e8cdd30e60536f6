"""Somebody follows a tutorial to the letter: its commands, its files, its tests, its program."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from contextlib import chdir
from importlib import import_module
from pathlib import Path

import pytest

from leyden.cli import main
from tests.architecture.repository import ROOT
from tests.docs.blocks import blocks

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
COMMAND = re.compile(r"^leyden (plugins new .+)$", re.MULTILINE)
FILE = re.compile(r"^`([^`]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(folder: Path, site: Path, *command: str) -> str:
    """Run a tool of Python's in the plugin's folder; returns what it printed."""
    environment = {name: one for name, one in os.environ.items() if not name.startswith(("LEYDEN", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-P", *command],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(site), "MYPYPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_can_be_followed(tutorial: Path, tmp_path: Path) -> None:
    text = tutorial.read_text(encoding="utf-8")
    command = COMMAND.search(text)
    assert command is not None
    with chdir(tmp_path):
        assert main(shlex.split(command[1])) == 0
    folder = tmp_path / shlex.split(command[1])[2]
    files = dict(FILE.findall(text))
    assert {one.partition("/")[0] for one in files} == {"src", "tests", "train.py"}
    for name, code in files.items():
        assert name == "train.py" or (folder / name).exists(), f"{name} is no file of what was written"
        (folder / name).write_text(code, encoding="utf-8")
    with chdir(folder):
        wheel = import_module("hatchling.build").build_wheel(str(tmp_path))
    site = tmp_path / "site"
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        archive.extractall(site)
    run(folder, site, "-m", "ruff", "check", "--no-cache", ".")
    run(folder, site, "-m", "ruff", "format", "--check", "--no-cache", ".")
    run(folder, site, "-m", "mypy", f"--cache-dir={ROOT / '.mypy_cache' / 'generated'}")
    run(folder, site, "-m", "pytest", "-q", "-pno:cacheprovider", "-pno:xdist")
    run(folder, site, "-m", "leyden.cli", "plugins", "check", folder.name)
    run(folder, site, "-W", "ignore", "train.py")
    others = [one.code for one in blocks(tutorial, text) if one.code not in files.values()]
    run(folder, site, "-W", "ignore", "-c", "\n".join(others))
