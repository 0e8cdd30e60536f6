"""What cannot be resumed exactly is said once, or refused."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, Sampler, TensorDataset

import leyden
from leyden.errors import ConfigurationError
from leyden.testing import TinyModule
from leyden.testing.tiny import samples
from leyden.utilities import LeydenWarning

DATA = TensorDataset(*samples())


class Lazy(Sampler[int]):
    """Draws from the process's generator for each item."""

    def __len__(self) -> int:
        return len(DATA)

    def __iter__(self) -> Iterator[int]:
        return (random.randrange(len(DATA)) for _ in range(len(DATA)))


class Eager(RandomSampler):
    """Draws when it begins; torch does not know the class."""


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(DATA)


class Own(DataLoader[Any]):
    def __iter__(self) -> Any:
        return super().__iter__()


class Plain:
    def __len__(self) -> int:
        return 4

    def __iter__(self) -> Iterator[Any]:
        return iter([list(DATA[index : index + 2]) for index in range(0, 8, 2)])


def loader(**keywords: Any) -> DataLoader[Any]:
    return DataLoader(DATA, **{"batch_size": 2, **keywords})


INEXACT: dict[str, tuple[Any, str]] = {
    "stream": (
        lambda: DataLoader(Stream(), 2),
        "Stream is an IterableDataset in a DataLoader without state_dict",
    ),
    "lazy sampler": (lambda: loader(sampler=Lazy()), "Lazy draws random numbers while it is iterated over"),
    "own way": (lambda: Own(DATA, 2), "Own iterates in a way of its own"),
    "own loader": (Plain, "Plain has no state_dict"),
    "iterator": (lambda: iter(loader()), "is an iterator"),
    "out of order": (lambda: loader(num_workers=2, in_order=False), "in_order=False"),
    "combination": (lambda: [loader(), Plain()], "Plain has no state_dict"),
}
EXACT: dict[str, Any] = {
    "plain": loader,
    "shuffled": lambda: loader(shuffle=True, num_workers=1),
    "eager sampler": lambda: loader(sampler=Eager(DATA)),
    "list": lambda: [loader(), torch.zeros(4, 1)],
}


class Module(TinyModule):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch[0] if isinstance(batch[0], list) else batch, batch_idx)


class SaveInside(leyden.Callback):
    """Saves after the first two batches of each epoch."""

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx < 2:
            trainer.save_checkpoint("inside.ckpt")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fit(data: Any, callbacks: Any = (), module: Any = None, **keywords: Any) -> list[str]:
    """The texts of warnings about exactness."""
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = leyden.Trainer(
        max_epochs=2,
        callbacks=list(callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **quiet,
        **keywords,
    )
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", LeydenWarning)
        trainer.fit(module or Validated(), data)
    return [str(one.message) for one in seen if "[inexact-resume]" in str(one.message)]


@pytest.mark.parametrize("case", INEXACT)
def test_a_fit_is_refused_before_it_trains(case: str) -> None:
    make, reason = INEXACT[case]
    trained = SaveInside()
    with pytest.raises(ConfigurationError, match=f"exact_resume='require' is not possible: .*{reason}"):
        fit(make(), [trained], exact_resume="require")
    assert not Path("inside.ckpt").exists()


@pytest.mark.parametrize("case", INEXACT)
def test_it_is_said_once_when_a_checkpoint_is_saved_inside_an_epoch(case: str) -> None:
    make, reason = INEXACT[case]
    if case == "iterator":
        pytest.skip("an iterator has no second epoch")
    assert fit(make()) == []
    (said,) = fit(make(), [SaveInside()])
    assert reason in said
    assert "is saved inside an epoch" in said
    assert fit(make(), [SaveInside()], exact_resume=False) == []


@pytest.mark.parametrize("case", EXACT)
def test_nothing_is_said_of_what_is_exact(case: str) -> None:
    assert fit(EXACT[case](), [SaveInside()], exact_resume="require") == []


def test_trying_a_sampler_changes_nothing() -> None:
    results = []
    for keywords in ({"exact_resume": False}, {}):
        leyden.seed_everything(1, verbose=False)
        fit(loader(sampler=Lazy()), [SaveInside()], **keywords)
        results.append((random.random(), torch.rand(1).item()))
    assert results[0] == results[1]


class SaveIn(leyden.Callback):
    """Saves in each of some hooks, when they fire for the second time."""

    def __init__(self, *hooks: str) -> None:
        for hook in hooks:
            setattr(self, hook, self._second())

    def _second(self) -> Any:
        turns = iter(range(100))

        def save(trainer: leyden.Trainer, *_: Any) -> None:
            if not trainer.sanity_checking and next(turns) == 1:
                trainer.save_checkpoint("here.ckpt")

        return save


class Validated(Module):
    """Validates as well."""

    def val_dataloader(self) -> Any:
        return loader()


IN_A_BATCH = ["on_train_batch_start", "on_before_backward", "on_after_backward", "on_before_optimizer_step"]
IN_VALIDATION = ["on_validation_batch_start", "on_validation_batch_end", "on_validation_epoch_end"]
BETWEEN = [
    "on_train_start",
    "on_train_epoch_start",
    "on_train_batch_end",
    "on_validation_start",
    "on_validation_end",
    "on_train_epoch_end",
    "on_train_end",
    "on_fit_end",
]


@pytest.mark.parametrize("hook", IN_A_BATCH + IN_VALIDATION)
def test_inside_a_batch_or_a_validation_pass_it_is_said_or_refused(hook: str) -> None:
    where = "a training batch" if hook in IN_A_BATCH else "a validation pass"
    (said,) = fit(loader(), [SaveIn(hook), SaveIn(hook)])
    assert f"A checkpoint is saved inside {where}, " in said
    Path("here.ckpt").unlink()
    with pytest.raises(ConfigurationError, match=f"'require' is not possible: .* is saved inside {where}"):
        fit(loader(), [SaveIn(hook)], exact_resume="require")
    assert not Path("here.ckpt").exists()
    assert fit(loader(), [SaveIn(hook)], exact_resume=False) == []


def test_between_batches_nothing_is_said() -> None:
    assert fit(loader(), [SaveIn(*BETWEEN)], exact_resume="require") == []


def test_a_fit_that_fails_inside_a_batch_is_saved_all_the_same() -> None:
    class Fails(Validated):
        def on_before_backward(self, loss: Any) -> None:
            if self.trainer.global_step:
                raise ZeroDivisionError

    class Rescue(leyden.Callback):
        def on_exception(self, trainer: leyden.Trainer, *_: Any) -> None:
            trainer.save_checkpoint("rescued.ckpt")

    with pytest.raises(ZeroDivisionError):
        fit(loader(), [Rescue()], module=Fails(), exact_resume="require")
    assert Path("rescued.ckpt").exists()
