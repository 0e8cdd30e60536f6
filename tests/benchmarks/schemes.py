"""Manual optimization, several optimizers, and epochs of few batches: by hand and with a framework."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn

from tests.benchmarks import subjects
from tests.benchmarks.subjects import FRAMEWORKS, TINY, Task, quiet, seeded, trainer_of

cross_entropy = nn.functional.cross_entropy
BATCHES, VALIDATION = 5, 2


def manual(framework: str, task: Task, batches: int, optimizers: int = 1) -> nn.Module:
    """Manual optimization; of several optimizers, each steps on a loss of its own."""
    base = import_module(FRAMEWORKS[framework]).LightningModule

    class Subject(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.networks = nn.ModuleList(seeded(task) for _ in range(optimizers))

        def training_step(self, batch: Any, batch_idx: int) -> None:
            found = self.optimizers()
            for network, optimizer in zip(self.networks, found if optimizers > 1 else [found], strict=True):
                optimizer.zero_grad()
                self.manual_backward(cross_entropy(network(batch[0]), batch[1]))
                optimizer.step()

        def configure_optimizers(self) -> Any:
            return [task.optimizer(network.parameters()) for network in self.networks]

    module = Subject()
    with quiet():
        trainer_of(framework).fit(module, task.loader(batches))
    networks: nn.Module = module.networks
    return networks


def manual_by_hand(task: Task, batches: int, optimizers: int = 1) -> nn.Module:
    """The same without a framework."""
    networks = nn.ModuleList(seeded(task) for _ in range(optimizers))
    found = [task.optimizer(network.parameters()) for network in networks]
    for inputs, targets in task.loader(batches):
        for network, optimizer in zip(networks, found, strict=True):
            optimizer.zero_grad()
            cross_entropy(network(inputs), targets).backward()
            optimizer.step()
    return networks


def epochs(framework: str, count: int) -> nn.Module:
    """So many epochs of a few batches, each with a validation."""
    module = subjects.module_of(framework, TINY)
    with quiet():
        trainer_of(framework, max_epochs=count, num_sanity_val_steps=0).fit(
            module, TINY.loader(BATCHES), TINY.loader(VALIDATION)
        )
    network: nn.Module = module.network
    return network


def epochs_by_hand(count: int) -> nn.Module:
    """The same without a framework."""
    network = seeded(TINY)
    optimizer = TINY.optimizer(network.parameters())
    training, validation = TINY.loader(BATCHES), TINY.loader(VALIDATION)
    for _ in range(count):
        network.train()
        for inputs, targets in training:
            optimizer.zero_grad()
            cross_entropy(network(inputs), targets).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            for inputs, targets in validation:
                cross_entropy(network(inputs), targets)
    return network
