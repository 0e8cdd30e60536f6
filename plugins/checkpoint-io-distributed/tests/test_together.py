"""Two processes write, and one, or two with another division, read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from leyden_checkpoint_io_distributed import DistributedCheckpointIO

PROGRAM = """
import os, sys
import torch, torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from leyden.errors import CheckpointError
from leyden_checkpoint_io_distributed import DistributedCheckpointIO

rank, folder = int(sys.argv[1]), sys.argv[2]
store = dist.FileStore(folder + "/store", 2)
dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
mesh = init_device_mesh("cpu", (2,))
whole = torch.arange(24.0).reshape(6, 4)
io, path = DistributedCheckpointIO(), folder + "/a.ckpt"
sharded = distribute_tensor(whole, mesh, [Shard(0)])
optimizer = {"state": {0: {"m": sharded}}}
content = {"epoch": 1, "state_dict": {"w": sharded, "same": whole + 1}, "optimizer_states": [optimizer]}
io.save_checkpoint(content, path)

other = distribute_tensor(torch.zeros(6, 4), mesh, [Shard(1)])
io.load_tensors(path, {"model.w": other})
assert torch.equal(other.full_tensor(), whole), other

class Bad:
    def __reduce__(self):
        raise ValueError("cannot be written")

try:
    io.save_checkpoint({**content, "epoch": 2, "bad": Bad()}, path)
except CheckpointError as error:
    print(rank, "refused", str(error).count("written") > 0)
print(rank, io.load_checkpoint(path)["epoch"])
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.multiprocess
def test_shards_of_two_processes(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for rank, process in enumerate(processes):
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.split("\n")[:2] == [f"{rank} refused True", f"{rank} 1"]
    path = tmp_path / "a.ckpt"
    names = {one.name.split("_")[2] for one in path.glob("*.distcp")}
    assert names == {"0", "1"}, "both processes wrote"
    found = DistributedCheckpointIO().load_checkpoint(path)
    whole = torch.arange(24.0).reshape(6, 4)
    assert torch.equal(found["state_dict"]["w"], whole) and type(found["state_dict"]["w"]) is torch.Tensor
    assert torch.equal(found["state_dict"]["same"], whole + 1)
    assert torch.equal(found["optimizer_states"][0]["state"][0]["m"], whole)
    assert {one.name for one in tmp_path.iterdir()} == {"a.ckpt", "store"}
