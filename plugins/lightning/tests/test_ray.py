"""Ray Tune's own callback, in Ray's worker processes, with nothing said about Leyden in the program."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

PROGRAM = """
import tempfile
import ray
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel
from ray import tune
from ray.tune.integration.pytorch_lightning import TuneReportCheckpointCallback

class Model(BoringModel):
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.step(batch))

def train(config):
    import leyden
    assert Trainer is leyden.Trainer
    report = TuneReportCheckpointCallback({"loss": "val_loss"}, on="validation_end")
    Trainer(max_epochs=2, limit_train_batches=1, limit_val_batches=1, accelerator="cpu", logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            callbacks=[report]).fit(Model())

if __name__ == "__main__":
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100 * 2**20)
    with tempfile.TemporaryDirectory() as folder:
        results = tune.Tuner(train, run_config=tune.RunConfig(storage_path=folder, verbose=0)).fit()
        for one in results:
            print("RESULT", one.metrics["training_iteration"], one.metrics["loss"] > 0, one.checkpoint is not None)
    ray.shutdown()
"""


@pytest.mark.slow
@pytest.mark.multiprocess
def test_tune_reports_from_workers(program: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    pytest.importorskip("ray.tune")
    ended = program(PROGRAM)
    assert "RESULT 2 True True" in ended.stdout, ended.stdout[-2000:] + ended.stderr[-2000:]
