"""torchrun itself: two processes, a process that is killed, and two machines, which are network namespaces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

PROGRAM = Path(__file__).with_name("program.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
pytestmark = [pytest.mark.multiprocess, pytest.mark.slow]


def clean(**more: str) -> dict[str, str]:
    own = ("PL_", "MASTER", "TORCHELASTIC", "LOCAL_", "RANK", "WORLD_SIZE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {**kept, "OMP_NUM_THREADS": "1", **more}


def results(folder: Path) -> list[Any]:
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(2)]


def launched(folder: Path, *options: str, **variables: str) -> list[Any]:
    folder.mkdir(exist_ok=True)
    command = [*TORCHRUN, "--standalone", "--nproc-per-node=2", *options, str(PROGRAM), str(folder), "2", "1"]
    done = subprocess.run(
        command, env=clean(**variables), capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return results(folder)


def test_a_killed_process_comes_back_and_training_goes_on(tmp_path: Path) -> None:
    """18 optimizer steps in 6 epochs; rank one is killed in the tenth, after the checkpoint of the third epoch."""
    whole = launched(tmp_path / "whole")
    assert [one["environment"] for one in whole] == ["TorchElasticEnvironment"] * 2
    assert [one["step"] for one in whole] == [18, 18]
    options = ("--max-restarts=3", "--monitor-interval=0.2")
    again = launched(tmp_path / "again", *options, KILL="1")
    assert int(again[0]["restarts"]) >= 1
    for one in again:
        assert (one["began"], one["step"]) == (9, 18)
        assert one["weights"] == whole[0]["weights"]


# -- two machines --------------------------------------------------------------------------------------------------


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def machines() -> Iterator[list[tuple[str, str, str]]]:
    """Two network namespaces that see each other: name, device, address."""
    tag = uuid4().hex[:6]
    found = [(f"ly{tag}{i}", f"v{tag}{i}", f"10.77.0.{i + 1}") for i in range(2)]
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need iproute2 and root")
    try:
        for name, _, _ in found:
            ip("netns", "add", name)
        ip("link", "add", found[0][1], "type", "veth", "peer", "name", found[1][1])
        for name, device, address in found:
            ip("link", "set", device, "netns", name)
            ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "up")
            ip("-n", name, "link", "set", "lo", "up")
    except subprocess.CalledProcessError as error:
        for name, _, _ in found:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        pytest.skip(f"network namespaces cannot be made here: {error.stderr.decode().strip()}")
    yield found
    for name, _, _ in found:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_two_machines(machines: list[tuple[str, str, str]], tmp_path: Path) -> None:
    running = []
    for rank, (name, _, _) in enumerate(machines):
        torchrun = [
            *TORCHRUN, "--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1",
            f"--master-addr={machines[0][2]}", "--master-port=29600", str(PROGRAM), str(tmp_path), "1", "2",
        ]  # fmt: skip
        running.append(
            subprocess.Popen(
                ["ip", "netns", "exec", name, *torchrun],
                env=clean(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    until = time.monotonic() + 150
    outputs = []
    for one in running:
        try:
            outputs.append(one.communicate(timeout=max(1.0, until - time.monotonic()))[0])
        except subprocess.TimeoutExpired:
            one.kill()
            outputs.append(one.communicate()[0])
    assert [one.returncode for one in running] == [0, 0], "\n".join(outputs)[-4000:]
    zero, one = results(tmp_path)
    assert (zero["node"], one["node"]) == (0, 1)
    assert zero["weights"] == one["weights"]
    assert zero["step"] == 18
