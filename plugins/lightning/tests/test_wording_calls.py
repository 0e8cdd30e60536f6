"""The pieces of text that programs look for in what calls raise and warn of, and the types of these errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, TensorDataset

QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "max_steps": 1,
    "limit_val_batches": 0,
}


def made(**keywords: Any) -> Any:
    from lightning.pytorch import Trainer

    return Trainer(**{**QUIET, **keywords})


def module(**members: Any) -> Any:
    from lightning.pytorch.demos.boring_classes import BoringModel

    return type("Own", (BoringModel,), members)()


def data(**keywords: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.ones(4, 32)), **keywords)


def sgd(one: Any) -> Any:
    return torch.optim.SGD(one.parameters(), 0.1)


RAISED: list[tuple[type[Exception], str, Callable[[], Any]]] = [
    (
        RuntimeError,
        "Training with multiple optimizers is only supported with manual",
        lambda: made().fit(module(configure_optimizers=lambda one: [sgd(one), sgd(one)])),
    ),
    (
        ValueError,
        "must return a Tensor, a dict, or None",
        lambda: made().fit(module(training_step=lambda *_: 1)),
    ),
    (
        ValueError,
        "the 'loss' key needs to be present",
        lambda: made().fit(module(training_step=lambda *_: {"a": 1})),
    ),
    (TypeError, r"invalid dataloader was passed to `Trainer\.fit", lambda: made().fit(module(), object())),
    (
        TypeError,
        r"returned from `Own\.train_dataloader\(\)`\. Found None",
        lambda: made().fit(module(train_dataloader=lambda _: None)),
    ),
    (
        ValueError,
        "cannot be None to run `Trainer.predict`",
        lambda: made().predict(module(predict_step=None), data()),
    ),
    (AttributeError, "only possible if a model is attached", lambda: made().save_checkpoint("no.ckpt")),
    (
        ValueError,
        r"inside `on_fit_start`",
        lambda: made().fit(module(on_fit_start=lambda one: one.log("x", 1))),
    ),
    (
        ValueError,
        "result collection is not registered yet",
        lambda: made().predict(module(predict_step=lambda one, *_: one.log("x", 1)), data()),
    ),
    (
        ValueError,
        r"must be one of \(False,\)",
        lambda: made().fit(module(on_train_start=lambda one: one.log("x", 1, on_step=True))),
    ),
    (
        ValueError,
        "to use manual_backward, please disable automatic optimization",
        lambda: made().fit(module(training_step=lambda one, batch, _: one.manual_backward(batch.sum()))),
    ),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("kind", "piece", "call"), RAISED, ids=[piece for _, piece, _ in RAISED])
def test_raised(kind: type[Exception], piece: str, call: Callable[[], Any]) -> None:
    with pytest.raises(kind, match=piece):
        call()


class Stated(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(torch.ones(4, 32))

    def __len__(self) -> int:
        return 4


WARNED: list[tuple[str, Callable[[], Any]]] = [
    ("`training_step` returned `None`", lambda: made().fit(module(training_step=lambda *_: None), data())),
    (
        "`val_dataloader`'s sampler has shuffling enabled",
        lambda: made(limit_val_batches=1).validate(
            module(validation_step=lambda *_: None), data(sampler=RandomSampler(range(4)))
        ),
    ),
    ("`IterableDataset` has `__len__` defined", lambda: made().fit(module(), DataLoader(Stated()))),
    (
        r"number of training batches \(2\) is smaller than the logging interval",
        lambda: made(limit_train_batches=2, max_epochs=1, max_steps=-1, logger=None).fit(module()),
    ),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("piece", "call"), WARNED, ids=[piece for piece, _ in WARNED])
def test_warned(piece: str, call: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match=piece):
        call()


@pytest.mark.usefixtures("installed")
def test_modules_in_eval_mode_are_named_once_for_the_fit() -> None:
    one = module()
    one.layer.eval()
    with pytest.warns(UserWarning, match=r"Found 1 module\(s\) in eval mode") as caught:
        made(max_epochs=2, max_steps=-1, limit_train_batches=1).fit(one)
    assert sum("eval mode" in str(each.message) for each in caught) == 1


@pytest.mark.usefixtures("installed")
def test_why_early_stopping_stopped() -> None:
    from lightning.pytorch.callbacks import EarlyStopping

    values = iter([3.0, 4.0])
    stop = EarlyStopping("v", patience=1)
    one = module(on_validation_epoch_end=lambda self: self.log("v", next(values)))
    made(
        callbacks=[stop],
        max_epochs=4,
        max_steps=-1,
        limit_train_batches=1,
        limit_val_batches=1,
        num_sanity_val_steps=0,
    ).fit(one)
    assert "did not improve in the last 1 records" in (stop.stopping_reason_message or "")


@pytest.mark.usefixtures("installed")
def test_private_names_of_checkpoint_callbacks() -> None:
    from lightning.pytorch.callbacks import ModelCheckpoint

    one = ModelCheckpoint(dirpath=None, every_n_train_steps=3)
    assert (one._every_n_train_steps, one._every_n_epochs) == (3, 0)
    assert one._format_checkpoint_name("{epoch:03d}-{acc}", {"epoch": 3, "acc": 0.03}) == "epoch=003-acc=0.03"
    assert one._format_checkpoint_name(None, {"epoch": 3, "step": 2}, prefix="a") == "a-epoch=3-step=2"


@pytest.mark.usefixtures("installed")
def test_indices_of_a_prediction_writer_are_in_the_loop() -> None:
    from lightning.pytorch.callbacks import BasePredictionWriter

    class Writer(BasePredictionWriter):
        seen: Any = None

        def write_on_epoch_end(
            self, trainer: Any, pl_module: Any, predictions: Any, batch_indices: Any
        ) -> None:
            self.seen = trainer.predict_loop.epoch_batch_indices
            assert self.seen == list(batch_indices)

    pytest.importorskip("leyden_callback_prediction_writer")
    writer = Writer("epoch")
    trainer = made(callbacks=[writer])
    trainer.predict(module(predict_step=lambda one, batch, _: batch[0].sum()), data(batch_size=2))
    assert (writer.seen, trainer.predict_loop.epoch_batch_indices) == ([[[0, 1], [2, 3]]], [])
