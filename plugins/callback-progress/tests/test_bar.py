"""The base, and what it is told by real runs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from leyden import Callback
from leyden.errors import DetachedError
from leyden.testing import TinyData, TinyModule
from leyden_callback_progress import (
    LogProgressBar,
    ProgressBar,
    StagedProgressBar,
    Throttle,
    standard_metrics,
)

Run = Callable[..., Any]


def logger(version: Any) -> Any:
    return SimpleNamespace(version=version)


class Seen(StagedProgressBar):
    """Writes down what it is told; every batch is drawn."""

    def __init__(self) -> None:
        super().__init__(Throttle(0.0))
        self.told: list[Any] = []

    def open(self, stage: str) -> None:
        self.told.append(f"open {stage}")

    def restart(self, stage: str, description: str, total: float) -> None:
        self.told.append((stage, description, total))

    def draw(self, stage: str, n: int) -> None:
        self.told.append(f"{stage} {n}")

    def close(self, stage: str) -> None:
        self.told.append(f"close {stage}")


def test_a_bar_can_be_switched_off_and_on() -> None:
    bar = ProgressBar()
    assert bar.is_enabled and not bar.is_disabled
    bar.disable()
    assert bar.is_disabled and not bar.is_enabled
    bar.enable()
    assert bar.is_enabled


def test_the_trainer_is_known_in_a_run_only() -> None:
    with pytest.raises(DetachedError, match="ProgressBar belongs to no run"):
        _ = ProgressBar().trainer


@pytest.mark.parametrize(
    ("versions", "shown"),
    [
        ([], {}),
        ([None], {}),
        ([""], {}),
        ([3], {"v_num": 3}),
        (["abcdefgh"], {"v_num": "efgh"}),
        ([3, 3], {"v_num": 3}),
        ([1, 2], {"v_num": "1_2"}),
    ],
)
def test_v_num(versions: list[Any], shown: dict[str, Any]) -> None:
    trainer: Any = SimpleNamespace(loggers=[logger(one) for one in versions])
    assert standard_metrics(trainer) == shown


def test_metrics_are_v_num_and_what_was_logged_for_the_bar() -> None:
    trainer: Any = SimpleNamespace(loggers=[logger(0)], progress_bar_metrics={"loss": 0.5})
    assert ProgressBar().get_metrics(trainer, trainer) == {"v_num": 0, "loss": 0.5}


def test_a_fit_as_a_bar_sees_it(run: Run) -> None:
    bar = Seen()
    run("fit", callbacks=[bar]).ok()
    sanity = ["open sanity", ("sanity", "Sanity Checking", 2), "sanity 1", "sanity 2", "close sanity"]
    validation = ["train 2", "validation 1", "validation 2", "close validation"]
    assert bar.told[:5] == sanity
    assert bar.told[5:11] == [
        "open train",
        *[("train", "Epoch 0", 2)] * 2,
        "train 1",
        "train 2",
        "open validation",
    ]
    assert bar.told[11] == ("validation", "Validation", 2)
    assert bar.told[12:16] == validation
    assert bar.told[-2:] == ["train 2", "close train"]


@pytest.mark.parametrize(
    ("stage", "name"), [("validate", "Validation"), ("test", "Testing"), ("predict", "Predicting")]
)
def test_an_evaluation_as_a_bar_sees_it(run: Run, stage: str, name: str) -> None:
    bar = Seen()
    run(stage, callbacks=[bar]).ok()
    key = "validation" if stage == "validate" else stage
    drawn = [f"{key} 1", f"{key} 2", f"{key} 2"]
    assert bar.told == [f"open {key}", (key, name, 2), *drawn, f"close {key}"]


def test_several_loaders_are_told_apart(run: Run) -> None:
    class TwoLoaders(TinyData):
        def predict_dataloader(self) -> Any:
            return [self.loader(), self.loader()]

    class Predicts(TinyModule):
        def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
            return self(batch[0])

    bar = Seen()
    run("predict", callbacks=[bar], data=TwoLoaders(), module=Predicts()).ok()
    restarts = [one for one in bar.told if isinstance(one, tuple)]
    assert restarts == [("predict", f"Predicting DataLoader {index}", 2) for index in (0, 1)]


def test_a_loader_without_length_has_no_end(run: Run) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter([(torch.ones(4), torch.ones(1))] * 8)

    class Streamed(TinyData):
        def train_dataloader(self) -> Any:
            return DataLoader(Stream(), batch_size=4)

    bar = Seen()
    run("fit", callbacks=[bar], data=Streamed()).ok()
    assert ("train", "Epoch 0", float("inf")) in bar.told
    assert "train 2" in bar.told


def test_total_train_batches_end_with_max_steps(run: Run) -> None:
    bar = Seen()
    run("fit", callbacks=[bar], max_epochs=-1, max_steps=3, limit_val_batches=0).ok()
    assert [one[2] for one in bar.told if isinstance(one, tuple)] == [2, 2, 1]


class Totals(ProgressBar):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self.found.append((self.total_train_batches, self.total_val_batches))


def test_totals_of_an_epoch(run: Run) -> None:
    found = []
    for every in (1, 2):
        bar = Totals()
        run("fit", callbacks=[bar], check_val_every_n_epoch=every).ok()
        found += bar.found
    assert found == [(2, 2), (2, 0)]


def test_metrics_are_read_for_drawing_only(run: Run) -> None:
    class Counting(LogProgressBar):
        reads = 0

        def get_metrics(self, trainer: Any, pl_module: Any) -> dict[str, Any]:
            self.reads += 1
            return super().get_metrics(trainer, pl_module)

    bar = Counting(interval=3600.0, epoch_interval=3600.0)
    run("fit", callbacks=[bar], max_epochs=5).ok()
    assert bar.reads == 1


def test_a_disabled_bar_is_told_nothing(run: Run) -> None:
    bar = Seen()
    bar.disable()
    run("fit", "validate", callbacks=[bar]).ok()
    assert bar.told == []


def test_what_was_open_is_closed_after_an_exception(run: Run) -> None:
    bar = Seen()
    outcome = run("fit", callbacks=[bar], module=TinyModule(fail_in="training_step"))
    assert isinstance(outcome.exception, RuntimeError)
    assert bar.told[-1] == "close train"


def test_a_resumed_epoch_goes_on_where_it_was_left(run: Run, tmp_path: Any) -> None:
    class SavesInTheMiddle(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, n: int) -> None:
            if n == 0:
                trainer.save_checkpoint(path)

    path = tmp_path / "middle.ckpt"
    run("fit", callbacks=[SavesInTheMiddle()]).ok()
    bar = Seen()
    run("fit", callbacks=[bar], ckpt_path=path).ok()
    assert bar.skipped == 1
    assert "train 1" not in bar.told and "train 2" in bar.told
