"""Interrupted and resumed is the same as uninterrupted, bit for bit, from every hook in which a file can be saved."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import leyden
from leyden.api.rng import isolate_rng

MeanMetric = pytest.importorskip("torchmetrics").MeanMetric

EPOCHS, BATCHES, SIZE = 3, 6, 4
VALIDATE_EVERY = 3
STOPS = {
    "on_train_epoch_start": EPOCHS,
    "on_train_batch_end": EPOCHS * BATCHES,
    "on_validation_end": EPOCHS * BATCHES // VALIDATE_EVERY,
    "on_train_epoch_end": EPOCHS,
}
"""How often each hook fires in a whole run."""


class Outcome(NamedTuple):
    """What a run leaves behind."""

    weights: dict[str, torch.Tensor]
    metrics: dict[str, float]
    samples: list[float]
    rates: list[float]
    steps: int


class Model(leyden.LightningModule):
    """Everything that can go astray: dropout, a plateau scheduler, Adam's moments, epoch means."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(SIZE, 8), nn.Dropout(0.5), nn.Linear(8, 2))
        self.samples: list[float] = []
        self.size = MeanMetric()

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        (x,) = batch
        self.samples.append(float(x.sum()))
        loss = self.net(x).pow(2).mean()
        self.log("loss", loss, on_epoch=True)
        self.size(x.abs().mean().detach())
        self.log("size", self.size, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        (x,) = batch
        self.log("val_loss", self.net(x).abs().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), 0.01)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


class Stop(leyden.Callback):
    """Saves a file when a hook fires for the n-th time."""

    def __init__(self, hook: str, turn: int, path: Path) -> None:
        self.left, self.path = turn, path
        setattr(self, hook, self._save)

    def _save(self, trainer: leyden.Trainer, *_: Any) -> None:
        if not trainer.sanity_checking:
            if self.left == 0:
                trainer.save_checkpoint(self.path)
            self.left -= 1


class Noisy(TensorDataset):
    """Augments what it gives with random numbers of the process, or of the worker, that loads it."""

    def __getitem__(self, index: int) -> Any:
        (x,) = super().__getitem__(index)
        return (x + 0.1 * torch.rand(SIZE) + random.random(),)


def loaders(workers: int, own_generator: bool) -> tuple[DataLoader[Any], DataLoader[Any]]:
    generator = torch.Generator().manual_seed(2) if own_generator else None
    data = Noisy(torch.randn(BATCHES * SIZE, SIZE, generator=torch.Generator().manual_seed(1)))
    return DataLoader(
        data, batch_size=SIZE, shuffle=True, num_workers=workers, generator=generator
    ), DataLoader(data, batch_size=8)


def run(
    window: int, workers: int, own: bool, callbacks: tuple[Any, ...] = (), path: Path | None = None
) -> Outcome:
    with isolate_rng():
        leyden.seed_everything(3, verbose=False)
        model = Model()
        leyden.seed_everything(3 if path is None else 99, verbose=False)
        trainer = leyden.Trainer(
            max_epochs=EPOCHS,
            accumulate_grad_batches=window,
            val_check_interval=VALIDATE_EVERY,
            callbacks=list(callbacks),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(model, *loaders(workers, own), ckpt_path=path)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    rates = [group["lr"] for group in trainer.optimizers[0].param_groups]
    return Outcome(dict(model.state_dict()), metrics, model.samples, rates, trainer.global_step)


@cache
def uninterrupted(window: int, workers: int, own: bool) -> Outcome:
    return run(window, workers, own)


def check(window: int, workers: int, hook: str, turn: int, folder: Path, own: bool = False) -> None:
    whole = uninterrupted(window, workers, own)
    path = folder / "stopped.ckpt"
    saving = run(window, workers, own, (Stop(hook, turn, path),))
    resumed = run(window, workers, own, path=path)
    assert saving.metrics == whole.metrics
    assert resumed.samples == whole.samples[len(whole.samples) - len(resumed.samples) :]
    assert (resumed.metrics, resumed.rates, resumed.steps) == (whole.metrics, whole.rates, whole.steps)
    for name, value in whole.weights.items():
        assert torch.equal(resumed.weights[name], value), name


@pytest.mark.parametrize("window", [1, 2])
@pytest.mark.parametrize(
    ("hook", "turn"), [(hook, turn) for hook, count in STOPS.items() for turn in range(count)]
)
def test_a_resumed_run_ends_as_the_whole_one(window: int, hook: str, turn: int, tmp_path: Path) -> None:
    check(window, 0, hook, turn, tmp_path)


WITH_WORKERS = [(hook, turn) for hook, count in STOPS.items() for turn in range(count // 2, count, 4)]


@pytest.mark.parametrize("window", [1, 2])
@pytest.mark.parametrize(("hook", "turn"), WITH_WORKERS)
def test_with_worker_processes_too(window: int, hook: str, turn: int, tmp_path: Path) -> None:
    check(window, 2, hook, turn, tmp_path)


@pytest.mark.parametrize(("hook", "turn"), [("on_train_batch_end", 7), ("on_train_epoch_end", 0)])
def test_with_a_generator_of_the_loaders_own(hook: str, turn: int, tmp_path: Path) -> None:
    check(1, 0, hook, turn, tmp_path, own=True)


def test_the_samples_of_a_run_are_not_all_alike() -> None:
    samples = uninterrupted(1, 0, False).samples
    assert len(samples) == EPOCHS * BATCHES
    assert samples[:BATCHES] != samples[BATCHES : 2 * BATCHES]
