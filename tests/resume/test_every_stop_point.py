"""Interrupted and resumed is the same as uninterrupted, bit for bit, from every hook between batches and passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torchmetrics")
from tests.resume import stops

ROOT = Path(__file__).resolve().parents[2]
POINTS = sum(stops.STOPS.values())

pytestmark = [
    pytest.mark.multiprocess,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]


@pytest.mark.parametrize(
    ("workers", "window", "processes"),
    [(0, 1, 1), (0, 2, 1), (2, 1, 1), (2, 2, 1), (0, 1, 2), (0, 2, 2)],
    ids=lambda value: str(value),
)
def test_resumed_runs_end_as_the_whole_one(workers: int, window: int, processes: int, tmp_path: Path) -> None:
    setting = map(str, (tmp_path / "run", workers, window, processes))
    command = [sys.executable, "-m", "tests.resume.stops", *setting]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["inexact"] == {}
    assert found["stop points"] == POINTS
    assert found["balance"] == {"repeated": 0, "skipped": 0, "lost validations": 0}
    assert found["samples"] == [stops.EPOCHS * stops.BATCHES] * processes
    assert found["different random numbers"] == processes
