"""``tests.resume.kills``, on another file system than that of temporary files where there is one.

A short version runs with all tests, hundreds of kills with ``pytest tests/resume -m kills``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.multiprocess
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("io", "kills"),
    [
        ("torch", 5),
        pytest.param("torch", 500, marks=pytest.mark.kills),
        pytest.param("async", 500, marks=pytest.mark.kills),
        pytest.param("distributed", 100, marks=pytest.mark.kills),
        pytest.param("fsspec", 100, marks=pytest.mark.kills),
    ],
)
def test_no_kill_damages_a_file_or_loses_a_step(io: str, kills: int, tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    folder = memory / f"leyden-{uuid4().hex}" if memory.is_dir() else tmp_path / "kills"
    command = [sys.executable, "-m", "tests.resume.kills", str(folder), str(kills), io]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["kills"], found["damaged"], found["lost"], found["did not resume"]) == (kills, [], [], 0)
    assert found["steps"] > 0
    assert found["most hidden"] <= 1, "the next save removes what a killed one left"
    assert not folder.exists()
