"""Runs at once, each a process of its own, in one folder: each ends with its own files, and all of them load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

PROGRAM = """
import json, sys
import torch
from leyden import Trainer
from leyden.callbacks import ModelCheckpoint
from leyden.testing import HostAccelerator, HostStrategy, TinyData, TinyModule

class Module(TinyModule):
    def __init__(self):
        super().__init__()
        self.register_buffer("who", torch.tensor(int(sys.argv[1])))

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", torch.rand(()))

torch.manual_seed(int(sys.argv[1]))
best = ModelCheckpoint("shared", "{epoch}-{val/loss:.1f}", "val/loss", save_top_k=3, save_last=True)
plain = {"filename": "e{epoch}", "auto_insert_metric_name": False, "save_last": "link"}
worst = ModelCheckpoint("shared", monitor="val/loss", mode="max", save_top_k=2, **plain)
components = {"accelerator": HostAccelerator(), "strategy": HostStrategy()}
Trainer(max_epochs=8, callbacks=[best, worst], **components).fit(Module(), datamodule=TinyData())
kept = {one: sorted({*callback.best_k_models, callback.last_model_path})
        for one, callback in (("best", best), ("worst", worst))}
print(json.dumps(kept))
"""


@pytest.mark.multiprocess
def test_runs_at_once(tmp_path: Path) -> None:
    import json
    import os

    names = ("leyden-callback-checkpoint", "leyden-checkpoint-io-torch", "leyden-precision-full")
    environment = {**os.environ, "LEYDEN_PLUGINS": ",".join(names), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    running = [
        subprocess.Popen(
            [*command, str(one)], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
        )
        for one in range(2)
    ]
    outputs = [one.communicate(timeout=100)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0]
    owned = []
    for who, output in enumerate(outputs):
        kept = json.loads(output.splitlines()[-1])
        assert len(kept["best"]) == 4 and len(kept["worst"]) == 3
        for path in {*kept["best"], *kept["worst"]}:
            assert int(torch.load(path, weights_only=True)["state_dict"]["who"]) == who
            owned.append(path)
    assert len(owned) == len(set(owned)) == 2 * 7
    files = [str(one) for one in (tmp_path / "shared").rglob("*.ckpt")]
    assert sorted(files) == sorted(owned)
