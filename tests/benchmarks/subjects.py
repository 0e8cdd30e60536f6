"""The same training by hand, with Leyden and with Lightning."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FRAMEWORKS = {"leyden": "leyden", "lightning": "pytorch_lightning"}
BARE = {
    "accelerator": "cpu",
    "devices": 1,
    "enable_checkpointing": False,
    "enable_model_summary": False,
    "enable_progress_bar": False,
    "logger": False,
    "max_epochs": 1,
}


@dataclass(frozen=True)
class Task:
    """A network, its optimizer and the shape of a batch.

    Attributes:
        network: builds the network.
        optimizer: builds the optimizer for parameters.
        inputs: features of one sample.
        classes: outputs of one sample.
        batch: samples in a batch.
    """

    network: Callable[[], nn.Module]
    optimizer: Callable[[Any], torch.optim.Optimizer]
    inputs: int
    classes: int
    batch: int

    def loader(self, batches: int) -> DataLoader[Any]:
        """``batches`` batches of the same random numbers, in the same order, every time."""
        return DataLoader(_data(self, batches), batch_size=self.batch)


@lru_cache(maxsize=2)
def _data(task: Task, batches: int) -> TensorDataset:
    """Made once, so that it does not count as time of a step."""
    generator = torch.Generator().manual_seed(1)
    samples = batches * task.batch
    inputs = torch.randn(samples, task.inputs, generator=generator)
    targets = torch.randint(task.classes, (samples,), generator=generator)
    return TensorDataset(inputs, targets)


TINY = Task(lambda: nn.Linear(32, 2), lambda weights: torch.optim.SGD(weights, lr=0.1), 32, 2, 4)
MLP = Task(
    lambda: nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)),
    lambda weights: torch.optim.Adam(weights, lr=1e-3),
    784,
    10,
    128,
)


def available() -> list[str]:
    """The frameworks that are installed."""
    return [name for name, package in FRAMEWORKS.items() if find_spec(package)]


def module_of(framework: str, task: Task, metrics: int = 0) -> Any:
    """A ``LightningModule`` of a framework that trains a task and logs ``metrics`` values a step."""
    base = import_module(FRAMEWORKS[framework]).LightningModule

    class Subject(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.network = seeded(task)

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            loss = nn.functional.cross_entropy(self.network(batch[0]), batch[1])
            for index in range(metrics):
                self.log(f"metric_{index}", loss)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return task.optimizer(self.parameters())

    return Subject()


def seeded(task: Task) -> nn.Module:
    """The network with the same initial weights every time, whatever the random state is."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return task.network()


def trainer_of(framework: str, **keywords: Any) -> Any:
    """A Trainer with everything off that can be off."""
    with quiet():
        return import_module(FRAMEWORKS[framework]).Trainer(**{**BARE, **keywords})


def fit(framework: str, task: Task, batches: int, metrics: int = 0, **keywords: Any) -> nn.Module:
    """Train ``batches`` steps with a framework and return the network."""
    module = module_of(framework, task, metrics)
    with quiet():
        trainer_of(framework, **keywords).fit(module, task.loader(batches))
    network: nn.Module = module.network
    return network


def validate(framework: str, task: Task, batches: int) -> None:
    """Run ``batches`` validation steps with a framework."""
    with quiet():
        trainer_of(framework).validate(module_of(framework, task), task.loader(batches), verbose=False)


def fit_by_hand(task: Task, batches: int) -> nn.Module:
    """Train ``batches`` steps with a loop as one writes it without a framework."""
    network = seeded(task)
    optimizer = task.optimizer(network.parameters())
    network.train()
    for inputs, targets in task.loader(batches):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(inputs), targets)
        loss.backward()
        optimizer.step()
    return network


def validate_by_hand(task: Task, batches: int) -> None:
    """Run ``batches`` validation steps with a loop as one writes it without a framework."""
    network = seeded(task).eval()
    with torch.inference_mode():
        for inputs, targets in task.loader(batches):
            nn.functional.cross_entropy(network(inputs), targets)


@contextmanager
def quiet() -> Iterator[None]:
    """No advice about workers and no start-up lines; both are the same whatever is measured."""
    logger = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
