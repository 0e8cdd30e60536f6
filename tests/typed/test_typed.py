"""Type checkers know the API: the stubs are up to date, a program passes, mistakes are found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.stubs import stubs
from tests.typed import program

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What ``mypy --strict`` says of the files in this folder, line by line."""
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "mypy.ini").write_text("[mypy]\nstrict = true\n", encoding="utf-8")
    options = ["--config-file", str(folder / "mypy.ini"), "--cache-dir", str(folder / "cache")]
    command = [sys.executable, "-m", "mypy", *options, "program.py", "mistakes.py"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=600)
    return done.stdout.splitlines()


@pytest.mark.parametrize("path", stubs(), ids=lambda path: path.name)
def test_the_stubs_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == stubs()[path], "run: make catalogue"


@pytest.mark.slow
def test_a_program_passes(said: list[str]) -> None:
    assert [line for line in said if line.startswith("program.py")] == []


@pytest.mark.slow
def test_mistakes_are_found(said: list[str]) -> None:
    wanted = {
        (number, line.partition("# error: ")[2])
        for number, line in enumerate((FOLDER / "mistakes.py").read_text().splitlines(), 1)
        if "# error: " in line
    }
    errors = [re.fullmatch(r"mistakes\.py:(\d+): error: .*\[([\w-]+)\]", line) for line in said]
    assert {(int(one[1]), one[2]) for one in errors if one} == wanted


def test_the_program_runs(tmp_path: Path) -> None:
    program.main(str(tmp_path))
    assert list(tmp_path.glob("*.ckpt"))
