"""Two processes that hear the signal at different times end after the same batch, and go on together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("leyden_strategy_ddp")

PROGRAM = """
import json, os, signal, sys, torch, leyden

class Model(leyden.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.seen = []
    def training_step(self, batch, batch_idx):
        if sys.argv[1] == "kill" and batch_idx == 3 + 2 * self.global_rank:
            os.kill(os.getpid(), signal.SIGTERM)
        self.seen.append([batch_idx, batch[0].sum().item()])
        return (self.layer(batch[0]) - torch.rand(1)).square().mean()
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.1)

leyden.seed_everything(1, verbose=False)
data = torch.utils.data.TensorDataset(torch.randn(80, 4, generator=torch.Generator().manual_seed(3)))
loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True)
model = Model()
trainer = leyden.Trainer(max_epochs=2, accelerator="cpu", devices=2, strategy="ddp", logger=False,
                         enable_progress_bar=False, enable_model_summary=False, default_root_dir=sys.argv[2])
try:
    trainer.fit(model, loader, ckpt_path="auto")
finally:
    weights = [one.flatten().tolist() for one in model.parameters()]
    with open(f"{sys.argv[3]}.{trainer.global_rank}.json", "w") as file:
        json.dump([model.seen, weights], file)
"""


def run(folder: Path, what: str, root: str) -> tuple[int, list[Any], str]:
    (folder / "program.py").write_text(PROGRAM)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    results = folder / f"{root}-{what}"
    command = [*launch, str(folder / "program.py"), what, str(folder / root), str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170)
    found = [json.loads(Path(f"{results}.{rank}.json").read_text()) for rank in range(2)]
    return done.returncode, found, done.stderr


@pytest.mark.multiprocess
@pytest.mark.slow
def test_all_end_after_the_same_batch_and_go_on(tmp_path: Path) -> None:
    status, whole, error = run(tmp_path, "train", "whole")
    assert status == 0, error
    status, killed, error = run(tmp_path, "kill", "other")
    assert status != 0
    counts = {len(seen) for seen, _ in killed}
    assert len(counts) == 1 and 6 <= counts.pop() <= 8
    assert "SIGTERM ends the fit" in error
    status, resumed, error = run(tmp_path, "train", "other")
    assert status == 0, error
    for rank in range(2):
        done = len(killed[rank][0])
        assert resumed[rank][0] == whole[rank][0][done:]
        assert resumed[rank][1] == whole[rank][1]
