"""One epoch that several runs share, each with another number of processes or another strategy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader

import leyden
from leyden.plugins.components import resolve

SIZE = 50


class Phase(NamedTuple):
    """A run that goes on where the one before was stopped.

    Attributes:
        strategy: its name.
        processes: how many there are.
        batches: after how many it is stopped; 0 goes on to the end of the epoch that follows.
    """

    strategy: str
    processes: int
    batches: int = 0


class Model(leyden.LightningModule):
    """Keeps the samples of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.seen: list[list[int]] = []

    def configure_model(self) -> None:
        """Nothing is parallel: the data alone are shared."""

    def on_train_start(self) -> None:
        self.seen.append([])

    def on_train_epoch_start(self) -> None:
        if self.seen[-1]:
            self.seen.append([])

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        batch = batch[0] if isinstance(batch, list) else batch
        self.seen[-1] += [int(one) for one in batch[:, 0]]
        loss: torch.Tensor = self.layer(batch).square().mean() * 1e-6
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 1e-6)


class Stop(leyden.Callback):
    """Saves after the last batch of a phase; every process writes down what it saw, and the batches that it counted."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder, self.path = folder, path

    def on_train_batch_end(self, trainer: leyden.Trainer, *_: Any) -> None:
        if trainer.global_step == trainer.max_steps:
            trainer.save_checkpoint(self.path)

    def on_train_end(self, trainer: leyden.Trainer, module: leyden.LightningModule) -> None:
        assert isinstance(module, Model)
        (self.folder / f"{trainer.global_rank}.json").write_text(json.dumps(module.seen))


def strategy(phase: Phase) -> Any:
    """The strategy of a phase; processes are forked."""
    if phase.strategy == "single_device":
        return "single_device"
    options: dict[str, Any] = {}
    if phase.strategy == "model_parallel":
        options = {"data_parallel_size": phase.processes, "tensor_parallel_size": 1}
    return resolve("strategies", phase.strategy)(start_method="fork", **options)


def run(folder: Path, number: int, phase: Phase, steps: int, loader: Any) -> list[list[list[int]]]:
    """One phase; what each process saw, by epoch."""
    own = folder / str(number)
    own.mkdir()
    trainer = leyden.Trainer(
        accelerator="cpu",
        devices=phase.processes,
        strategy=strategy(phase),
        max_epochs=2,
        max_steps=steps,
        callbacks=[Stop(own, folder / f"{number}.ckpt")],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    before = folder / f"{number - 1}.ckpt"
    trainer.fit(Model(), loader, ckpt_path=before if number else None)
    return [json.loads((own / f"{rank}.json").read_text()) for rank in range(phase.processes)]


def together(seen: list[list[list[int]]], epoch: int) -> list[int]:
    """What all processes saw, in the order in which they did."""
    return [one for batch in zip(*(rank[epoch] for rank in seen), strict=True) for one in batch]


def chain(
    folder: Path, phases: list[Phase], combined: bool = False, **options: Any
) -> tuple[list[int], list[int]]:
    """The samples of the shared epoch and of the one that follows, in their order."""
    os.environ.pop("PL_GLOBAL_SEED", None)
    first: list[int] = []
    second: list[int] = []
    steps = 0
    for number, phase in enumerate(phases):
        torch.manual_seed(number)
        data: Any = torch.arange(float(SIZE)).unsqueeze(1)
        loader: Any = DataLoader(data, **{"batch_size": 2, "shuffle": True, **options})
        steps += phase.batches
        loader = [loader, DataLoader(data, batch_size=1)] if combined else loader
        seen = run(folder, number, phase, steps if phase.batches else -1, loader)
        first += together(seen, 0)
        second = together(seen, 1) if not phase.batches else []
    return first, second
