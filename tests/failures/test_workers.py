"""Worker processes of loaders are gone when a failed call returns, also while the caller still holds the exception."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from tests.failures.cases import Case
from tests.failures.cast import load
from tests.failures.program import Scene, quiet

ENOUGH = 5.0  # seconds for processes that were told to end


def left() -> list[Any]:
    """Processes that are still there after they had time to end."""
    end = time.monotonic() + ENOUGH
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.01)
    return multiprocessing.active_children()


WHERE = [
    ("fit", "callback", "on_train_batch_end"),
    ("fit", "callback", "on_validation_batch_end"),
    ("fit", "module", "training_step"),
    ("validate", "callback", "on_validation_batch_end"),
    ("predict", "module", "predict_step"),
]


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt"])
@pytest.mark.parametrize("workers", [1, 2], ids=["workers", "persistent"])
@pytest.mark.parametrize(("call", "place", "hook"), WHERE, ids=str)
def test_no_worker_is_left(
    call: str, place: str, hook: str, workers: int, error: str, tmp_path: Path
) -> None:
    with quiet():
        scene = Scene(load("leyden"), Case(place, hook, call, error), tmp_path, workers)
        trainer, caught = scene.trainer(), None
        try:
            scene.call(trainer)
        except ValueError as reached:
            caught = reached
        assert (caught is scene.fault.error) == (error == "ValueError")
        assert left() == []


class Poisoned(torch.utils.data.Dataset[torch.Tensor]):
    """A data set whose last item cannot be read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == 3:
            raise LookupError("cannot be read")
        return torch.ones(2)


def test_an_error_in_a_worker_keeps_its_type_and_leaves_no_worker(tmp_path: Path) -> None:
    with quiet():
        scene = Scene(load("leyden"), Case("callback", "on_fit_start", "fit", "ValueError"), tmp_path)
        trainer = scene.trainer(faulty=False)
        loader = DataLoader(Poisoned(), batch_size=2, num_workers=1)
        with pytest.raises(LookupError, match="cannot be read"):
            trainer.fit(scene.module, loader)
        assert left() == []
