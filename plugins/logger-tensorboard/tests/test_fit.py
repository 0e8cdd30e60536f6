"""Real runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from leyden.loggers import TensorBoardLogger
from leyden.testing import Runner, TinyModule


def read(folder: str) -> EventAccumulator:
    return EventAccumulator(folder).Reload()


def steps(folder: str, tag: str) -> list[int]:
    return [event.step for event in read(folder).Scalars(tag)]


def test_a_run_with_everything(tmp_path: Path, leyden_run: Runner) -> None:
    module = TinyModule()
    module.example_input_array = torch.zeros(2, 4)
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    leyden_run("fit", "test", module=module, logger=logger, max_epochs=2, log_every_n_steps=1).ok()
    assert steps(logger.log_dir, "train_loss") == [0, 1, 2, 3]
    assert steps(logger.log_dir, "val_loss") == [1, 3]
    assert len(steps(logger.log_dir, "test_loss")) == 1
    assert [event.value for event in read(logger.log_dir).Scalars("hp_metric")] == [-1.0]
    found = read(logger.log_dir)
    assert found.Tags()["graph"] is True
    assert "_hparams_/session_start_info" in found.summary_metadata


def test_the_sample_goes_through_the_transfer_hooks(tmp_path: Path, leyden_run: Runner) -> None:
    class Module(TinyModule):
        def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
            return batch[:, :5] if isinstance(batch, torch.Tensor) else batch

        def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
            return batch[:, :4] if isinstance(batch, torch.Tensor) and batch.shape[1] == 5 else batch

    module = Module()
    module.example_input_array = torch.zeros(2, 6)
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    leyden_run(module=module, logger=logger).ok()
    assert read(logger.log_dir).Tags()["graph"] is True


def test_drawing_the_graph_leaves_training_alone(tmp_path: Path, leyden_run: Runner) -> None:
    weights = []
    for log_graph in (False, True):
        module = TinyModule()
        module.example_input_array = torch.zeros(2, 4)
        leyden_run(module=module, logger=TensorBoardLogger(tmp_path, log_graph=log_graph)).ok()
        weights.append(module.layer.weight)
    assert torch.equal(*weights)


def test_images_go_through_the_experiment(tmp_path: Path, leyden_run: Runner) -> None:
    class Painter(TinyModule):
        def on_train_epoch_end(self) -> None:
            assert self.logger is not None
            self.logger.experiment.add_image("noise", torch.zeros(3, 4, 4), self.global_step)

    logger = TensorBoardLogger(tmp_path)
    leyden_run(module=Painter(), logger=logger).ok()
    assert [event.step for event in read(logger.log_dir).Images("noise")] == [2]


FIT = """
import pathlib, sys, time
from leyden import Trainer
from leyden.loggers import CSVLogger, TensorBoardLogger
from leyden.testing import TinyData, TinyModule
folder, me = pathlib.Path(sys.argv[1]), sys.argv[2]
loggers = [TensorBoardLogger(folder / "tensorboard"), CSVLogger(folder / "csv")]
trainer = Trainer(
    max_epochs=1, logger=loggers, log_every_n_steps=1, accelerator="cpu", default_root_dir=folder,
    enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
)
(folder / f"ready_{me}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
trainer.fit(TinyModule(), TinyData())
print(*(one.log_dir for one in loggers))
"""


@pytest.mark.multiprocess
def test_four_runs_at_once_never_share_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FIT, str(tmp_path)]
    processes = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(4)
    ]
    while len(list(tmp_path.glob("ready_*"))) < 4:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    (tmp_path / "go").touch()
    folders = [process.communicate()[0].split() for process in processes]
    for kind, used in zip(("tensorboard", "csv"), zip(*folders, strict=True), strict=True):
        wanted = {str(tmp_path / kind / "lightning_logs" / f"version_{number}") for number in range(4)}
        assert set(used) == wanted
    for tensorboard, table in folders:
        assert steps(tensorboard, "train_loss") == [0, 1]
        assert len(list(Path(tensorboard).glob("events.*"))) == 1
        assert len(Path(table, "metrics.csv").read_text().splitlines()) == 4


def test_a_run_that_fails_keeps_its_points(tmp_path: Path, leyden_run: Runner) -> None:
    logger = TensorBoardLogger(tmp_path, flush_secs=1000)
    keywords: dict[str, Any] = {"log_every_n_steps": 1, "num_sanity_val_steps": 0}
    outcome = leyden_run(module=TinyModule(fail_in="training_step"), logger=logger, **keywords)
    assert isinstance(outcome.exception, RuntimeError)
    assert steps(logger.log_dir, "train_loss") == [0]
