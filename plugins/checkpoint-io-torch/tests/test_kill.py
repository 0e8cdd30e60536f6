"""A process that is killed while it writes leaves a file that loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leyden_checkpoint_io_torch.atomic import replacing

PROGRAM = """
import json, os, random, signal, sys, time
import torch
from leyden_checkpoint_io_torch import TorchCheckpointIO

path, kills = sys.argv[1], int(sys.argv[2])
io, chance = TorchCheckpointIO(), random.Random(0)
weights = torch.arange(400_000.0)
io.save_checkpoint({"n": 0, "w": weights + 0}, path)
loaded, interrupted = [], 0
for kill in range(kills):
    child = os.fork()
    if not child:
        while True:
            n = chance.randrange(1000)
            io.save_checkpoint({"n": n, "w": weights + n}, path)
    time.sleep(chance.uniform(0.0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    chance.random()
    found = io.load_checkpoint(path)
    loaded.append(bool(torch.equal(found["w"], weights + found["n"])))
    left = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".tmp")]
    interrupted += len(left)
    for name in left:
        os.unlink(os.path.join(os.path.dirname(path), name))
print(json.dumps([loaded, interrupted]))
"""


@pytest.mark.multiprocess
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "last.ckpt"), "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded, interrupted = json.loads(done.stdout)
    assert loaded == [True] * 20
    assert interrupted > 0, "no kill hit a write, so nothing was tested"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_the_next_save_removes_what_a_killed_writer_left_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    child = os.fork()
    if not child:
        with replacing(str(path)) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".last.ckpt.") and left.name.endswith(".tmp")
    mine = tmp_path / ".notes.tmp"
    mine.write_text("kept")
    with replacing(str(path)) as first:
        first.write(b"one")
        with replacing(str(tmp_path / "other.ckpt")) as second:
            second.write(b"two")
        assert not left.exists()
    assert {one.name for one in tmp_path.iterdir()} == {"last.ckpt", "other.ckpt", ".notes.tmp"}
    assert path.read_bytes() == b"one"
