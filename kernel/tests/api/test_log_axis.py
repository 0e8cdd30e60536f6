"""``self.log(axis=…)``: the x-axis that a metric has in the loggers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden import Callback, Logger, Trainer
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import Runner, TinyData, TinyModule


class Records(Logger):
    """Keeps what it gets."""

    name = version = "kept"

    def __init__(self) -> None:
        self.records: list[Record] = []

    def log_record(self, record: Record) -> None:
        self.records.append(record)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        raise AssertionError

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        pass

    def places(self, name: str) -> list[tuple[int, str]]:
        """Position and axis of each value of a metric."""
        return [(one.axes[name], one.axis_names[name]) for one in self.records if name in one.axes]


class Module(TinyModule):
    """Logs with the axes that it is told."""

    def __init__(self, **axes: str) -> None:
        super().__init__()
        self.axes = axes

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.log("samples", 100.0 * (self.trainer.fit_loop.total_batch_idx + 1))
        for name, axis in self.axes.items():
            self.log(name, torch.tensor(1.0), on_step=True, on_epoch=True, axis=axis)
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log_dict({"val_a": 1.0, "val_b": 2.0}, axis="epoch")


def run(leyden_run: Runner, module: Any, **keywords: Any) -> Records:
    logger = Records()
    leyden_run(module=module, logger=logger, **{"log_every_n_steps": 1, "max_epochs": 2, **keywords}).ok()
    return logger


def test_each_metric_has_its_axis(leyden_run: Runner) -> None:
    logger = run(leyden_run, Module(by_epoch="epoch", by_batch="batch", by_step="step", by_samples="samples"))
    steps = [one.step for one in logger.records if "by_step_step" in one.metrics]
    assert steps == [0, 1, 2, 3]
    assert logger.places("by_step_step") == [(step, "step") for step in steps]
    assert logger.places("by_epoch_step") == [(0, "epoch"), (0, "epoch"), (1, "epoch"), (1, "epoch")]
    assert logger.places("by_epoch_epoch") == [(0, "epoch"), (1, "epoch")]
    assert logger.places("by_batch_step") == [(number, "batch") for number in (1, 2, 3, 4)]
    assert logger.places("by_samples_step") == [(number, "samples") for number in (100, 200, 300, 400)]
    assert logger.places("by_samples_epoch") == [(200, "samples"), (400, "samples")]
    assert logger.places("val_a") == logger.places("val_b") == [(0, "epoch"), (1, "epoch")]
    assert logger.places("train_loss") == []


def test_nothing_is_there_unless_asked(leyden_run: Runner) -> None:
    logger = run(leyden_run, TinyModule())
    assert all(one.axes == one.axis_names == {} for one in logger.records)
    assert {one.phase for one in logger.records} == {"train", "validate"}


def test_loggers_for_lightning_get_a_call_for_each_axis(leyden_run: Runner) -> None:
    calls: list[tuple[dict[str, float], int | None]] = []

    class Old(Records):
        log_record = Logger.log_record

        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            calls.append((metrics, step))

    leyden_run(module=Module(by_batch="batch"), logger=Old(), log_every_n_steps=1, limit_val_batches=0).ok()
    assert ({"epoch": 0, "by_batch_step": 1.0}, 2) in calls


@pytest.mark.parametrize("axis", ["smaples", "by_epoch"])
def test_an_axis_that_nobody_logged(leyden_run: Runner, axis: str) -> None:
    outcome = leyden_run(module=Module(loss=axis), logger=Records(), log_every_n_steps=1)
    assert isinstance(outcome.exception, ConfigurationError)
    assert f"axis={axis!r}): no metric of this name was logged" in str(outcome.exception)


def test_an_axis_without_a_place(leyden_run: Runner) -> None:
    class Endless(Module):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("x", float("inf"))
            return super().training_step(batch, batch_idx)

    outcome = leyden_run(module=Endless(y="x"), logger=Records(), log_every_n_steps=1)
    assert isinstance(outcome.exception, ConfigurationError)
    assert "x is inf" in str(outcome.exception)


def test_other_arguments_of_a_wrong_type(leyden_run: Runner) -> None:
    outcome = leyden_run(module=Module(y=3))  # type: ignore[arg-type]
    assert isinstance(outcome.exception, ArgumentTypeError)


def test_a_resumed_epoch_keeps_its_axes(tmp_path: Any) -> None:
    class Part(Module):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = TinyModule.training_step(self, batch, batch_idx)
            if batch_idx == 0:
                self.log("first", loss, on_step=False, on_epoch=True, axis="batch")
            return loss

    keywords: dict[str, Any] = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
    }
    keywords |= {"enable_checkpointing": False, "limit_val_batches": 0}
    path = tmp_path / "half.ckpt"

    class Save(Callback):
        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, index: int
        ) -> None:
            if index == 0:
                trainer.save_checkpoint(path)

    Trainer(max_epochs=1, logger=False, callbacks=[Save()], **keywords).fit(Part(), TinyData())
    logger = Records()
    Trainer(max_epochs=1, logger=logger, **keywords).fit(Part(), TinyData(), ckpt_path=path)
    assert logger.places("first") == [(2, "batch")]
