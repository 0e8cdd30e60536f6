from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden import Trainer
from leyden.testing.tiny import TinyData, TinyModule, trained_by_hand

PROGRAM = Path(__file__).with_name("program.py")


class Adam(TinyModule):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.05)


def flat(state: Any) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in state])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("deepspeed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder)], env=environment, capture_output=True, text=True,
        timeout=400, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.multiprocess
@pytest.mark.parametrize("stage", ["1", "2", "3"])
class TestStages:
    def test_trains_as_one_process(self, found: list[dict[str, Any]], stage: str) -> None:
        wanted = flat(trained_by_hand(epochs=3, processes=2).values())
        for one in found:
            torch.testing.assert_close(torch.tensor(one[stage]["plain"]), wanted, rtol=1e-6, atol=1e-6)

    def test_resumes(self, found: list[dict[str, Any]], stage: str) -> None:
        for one in found:
            assert one[stage]["resumed"] == one[stage]["clipped"]

    def test_clips_and_accumulates_as_ddp(self, found: list[dict[str, Any]], stage: str) -> None:
        wanted = reference()
        for one in found:
            torch.testing.assert_close(torch.tensor(one[stage]["clipped"]), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.multiprocess
@pytest.mark.parametrize(("name", "tolerance"), [("2-offload", 1e-6), ("3-offload", 1e-6), ("half", 2e-2)])
def test_offload_and_bfloat16_train_as_one_process(
    found: list[dict[str, Any]], name: str, tolerance: float
) -> None:
    wanted = flat(trained_by_hand(epochs=3, processes=2).values())
    for one in found:
        weights = torch.tensor(one[name]["plain"])
        torch.testing.assert_close(weights, wanted, rtol=tolerance, atol=tolerance)
        assert not weights.equal(wanted) or name != "half"


@pytest.mark.multiprocess
def test_steps_without_a_loss_change_nothing(found: list[dict[str, Any]]) -> None:
    for one in found:
        assert one["skipped"]["skipped"] == one["skipped"]["whole"]


def reference() -> torch.Tensor:
    module = Adam()
    trainer = Trainer(
        accelerator="cpu", devices=2, strategy="ddp_fork", max_epochs=4, gradient_clip_val=0.05,
        accumulate_grad_batches=2, limit_val_batches=0, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, datamodule=TinyData())
    return flat(module.parameters())
