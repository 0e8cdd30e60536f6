"""The same program for two processes, started as ``python program.py``, with both packages."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

PROGRAM = Path(__file__).with_name("program.py")
pytestmark = pytest.mark.multiprocess


def run(namespace: str, folder: Path, *arguments: str) -> list[Any]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PL_", "MASTER"))
    }
    command = [sys.executable, str(PROGRAM), namespace, str(folder), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(2)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[Any]]]:
    pytest.importorskip("pytorch_lightning")
    found = {}
    for namespace in ("leyden", "pytorch_lightning"):
        folder = tmp_path_factory.mktemp(namespace)
        found[namespace] = (folder, run(namespace, folder))
    return found


def close(found: Any, wanted: Any) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=2e-6, abs=1e-6), name


@pytest.mark.parametrize("rank", [0, 1])
def test_weights_and_counters(rank: int, both: Any) -> None:
    ours, theirs = (both[one][1][rank] for one in ("leyden", "pytorch_lightning"))
    for name in ("rank", "world", "step", "epoch", "best"):
        assert ours[name] == theirs[name], name
    close(ours["weights"], theirs["weights"])


@pytest.mark.parametrize("rank", [0, 1])
def test_metrics(rank: int, both: Any) -> None:
    ours, theirs = (both[one][1][rank] for one in ("leyden", "pytorch_lightning"))
    close(ours["metrics"], theirs["metrics"])
    close(ours["tested"][0], theirs["tested"][0])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "logs" / "metrics.csv").open() as file:
        return [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]


def test_logged_rows(both: Any) -> None:
    ours, theirs = (rows(both[one][0]) for one in ("leyden", "pytorch_lightning"))
    flat = [
        {
            (int(row["step"]), name): float(value)
            for row in each
            for name, value in row.items()
            if name != "step"
        }
        for each in (ours, theirs)
    ]
    close(*flat)


def test_checkpoints(both: Any) -> None:
    ours, theirs = (both[one][0] / "files" for one in ("leyden", "pytorch_lightning"))
    names = sorted(path.name for path in theirs.glob("*.ckpt"))
    assert sorted(path.name for path in ours.glob("*.ckpt")) == names
    for name in names:
        mine = torch.load(ours / name, weights_only=True)
        other = torch.load(theirs / name, weights_only=False)
        assert set(other) - set(mine) == set()
        for key, weight in other["state_dict"].items():
            torch.testing.assert_close(mine["state_dict"][key], weight, rtol=2e-6, atol=1e-6)
        assert mine["global_step"] == other["global_step"]


def test_workers_give_the_same_back(both: Any, tmp_path: Path) -> None:
    _, found = both["leyden"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PL_", "MASTER"))}
    command = [sys.executable, str(PROGRAM), "leyden", str(tmp_path), "ddp_fork"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "rank-0.json").read_text()) == found[0]
