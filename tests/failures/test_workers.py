"""Worker processes of loaders are gone when a failed call returns, also while the caller still holds the exception."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from tests.failures.cases import Case
from tests.failures.cast import load
from tests.failures.program import Scene, quiet

ENOUGH = 1.0  # seconds for processes that were told to end
Left = Callable[[], list[Any]]


@pytest.fixture
def left() -> Iterator[Left]:
    """Call it for the processes begun in the test that are still there after they had time to end."""
    before = set(multiprocessing.active_children())

    def begun() -> list[Any]:
        return [one for one in multiprocessing.active_children() if one not in before]

    def ask() -> list[Any]:
        end = time.monotonic() + ENOUGH
        while begun() and time.monotonic() < end:
            time.sleep(0.01)
        return begun()

    yield ask
    for one in begun():
        one.terminate()
        one.join()


WHERE = [
    ("fit", "callback", "on_train_batch_end"),
    ("fit", "callback", "on_validation_batch_end"),
    ("fit", "module", "training_step"),
    ("validate", "callback", "on_validation_batch_end"),
    ("predict", "module", "predict_step"),
]


def failed(case: Case, workers: int, folder: Path) -> tuple[Scene, BaseException | None]:
    """The participants of a case that has run, and what reached the caller."""
    with quiet():
        scene = Scene(load("leyden"), case, folder, workers)
        trainer = scene.trainer()
        try:
            scene.call(trainer)
        except ValueError as caught:
            return scene, caught
        return scene, None


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt"])
@pytest.mark.parametrize(("call", "place", "hook"), WHERE, ids=str)
def test_no_worker_is_left(call: str, place: str, hook: str, error: str, left: Left, tmp_path: Path) -> None:
    scene, caught = failed(Case(place, hook, call, error), 1, tmp_path)
    assert (caught is scene.fault.error) == (error == "ValueError")
    assert left() == []


@pytest.mark.parametrize(("call", "place", "hook"), [WHERE[0], WHERE[-1]], ids=str)
def test_no_persistent_worker_is_left(call: str, place: str, hook: str, left: Left, tmp_path: Path) -> None:
    scene, caught = failed(Case(place, hook, call, "ValueError"), 2, tmp_path)
    assert caught is scene.fault.error
    assert left() == []


class Poisoned(torch.utils.data.Dataset[torch.Tensor]):
    """A data set whose last item cannot be read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == 3:
            raise LookupError("cannot be read")
        return torch.ones(2)


def test_an_error_in_a_worker_keeps_its_type_and_leaves_no_worker(left: Left, tmp_path: Path) -> None:
    with quiet():
        scene = Scene(load("leyden"), Case("callback", "on_fit_start", "fit", "ValueError"), tmp_path)
        trainer = scene.trainer(faulty=False)
        loader = DataLoader(Poisoned(), batch_size=2, num_workers=1)
        with pytest.raises(LookupError, match="cannot be read"):
            trainer.fit(scene.module, loader)
        assert left() == []
