"""Real runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_a_run_that_fails_keeps_its_points(tmp_path: Path, leyden_run: Runner) -> None:
    logger = TensorBoardLogger(tmp_path, flush_secs=1000)
    keywords: dict[str, Any] = {"log_every_n_steps": 1, "num_sanity_val_steps": 0}
    outcome = leyden_run(module=TinyModule(fail_in="training_step"), logger=logger, **keywords)
    assert isinstance(outcome.exception, RuntimeError)
    assert steps(logger.log_dir, "train_loss") == [0]
