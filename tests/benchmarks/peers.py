"""The same training with other frameworks, where they are installed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from tests.benchmarks.subjects import Task, seeded

cross_entropy = nn.functional.cross_entropy


def fabric(task: Task, batches: int) -> nn.Module:
    """lightning-fabric: the user's loop, with wrapped model, optimizer and loader."""
    from lightning_fabric import Fabric

    own = Fabric(accelerator="cpu", devices=1)
    network = seeded(task)
    model, optimizer = own.setup(network, task.optimizer(network.parameters()))
    for inputs, targets in own.setup_dataloaders(task.loader(batches)):
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets)
        own.backward(loss)
        optimizer.step()
    return network


def fabric_evaluation(task: Task, batches: int) -> None:
    """The same without gradients."""
    from lightning_fabric import Fabric

    own = Fabric(accelerator="cpu", devices=1)
    model = own.setup_module(seeded(task).eval())
    with torch.inference_mode():
        for inputs, targets in own.setup_dataloaders(task.loader(batches)):
            cross_entropy(model(inputs), targets)


def ignite(task: Task, batches: int) -> nn.Module:
    """pytorch-ignite: an engine with a step function."""
    from ignite.engine import create_supervised_trainer

    network = seeded(task)
    optimizer = task.optimizer(network.parameters())
    create_supervised_trainer(network, optimizer, cross_entropy).run(task.loader(batches), max_epochs=1)
    return network


def ignite_evaluation(task: Task, batches: int) -> None:
    """The same without gradients; the loss is computed in the output's transform."""
    from ignite.engine import create_supervised_evaluator

    create_supervised_evaluator(
        seeded(task), output_transform=lambda x, y, predicted: cross_entropy(predicted, y)
    ).run(task.loader(batches))


def accelerate(task: Task, batches: int) -> nn.Module:
    """accelerate: the user's loop, with prepared model, optimizer and loader."""
    from accelerate import Accelerator

    own = Accelerator(cpu=True)
    network = seeded(task)
    model, optimizer, loader = own.prepare(
        network, task.optimizer(network.parameters()), task.loader(batches)
    )
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets)
        own.backward(loss)
        optimizer.step()
    return network


def accelerate_evaluation(task: Task, batches: int) -> None:
    """The same without gradients."""
    from accelerate import Accelerator

    model, loader = Accelerator(cpu=True).prepare(seeded(task).eval(), task.loader(batches))
    with torch.inference_mode():
        for inputs, targets in loader:
            cross_entropy(model(inputs), targets)


def skorch(task: Task, batches: int) -> nn.Module:
    """skorch: a scikit-learn estimator, without its callbacks and its split."""
    network = seeded(task)
    data = task.loader(batches).dataset
    net = _skorch_net(task, network)
    net.initialize()
    net.partial_fit(data, y=None)
    return network


def skorch_evaluation(task: Task, batches: int) -> None:
    """The same without gradients."""
    net = _skorch_net(task, seeded(task))
    net.initialize()
    for batch in task.loader(batches):
        net.validation_step(batch)


def _skorch_net(task: Task, network: nn.Module) -> Any:
    from skorch import NeuralNet

    return NeuralNet(
        network,
        criterion=nn.CrossEntropyLoss,
        optimizer=lambda groups, **_: task.optimizer(groups),
        max_epochs=1,
        batch_size=task.batch,
        train_split=None,
        callbacks="disable",
        verbose=0,
    )


PEERS: dict[str, tuple[str, Callable[[Task, int], nn.Module], Callable[[Task, int], None]]] = {
    "fabric": ("lightning_fabric", fabric, fabric_evaluation),
    "ignite": ("ignite", ignite, ignite_evaluation),
    "accelerate": ("accelerate", accelerate, accelerate_evaluation),
    "skorch": ("skorch", skorch, skorch_evaluation),
}
"""By name: the package, training, evaluation."""


def available() -> list[str]:
    """The peers that are installed."""
    for name in ("ignite", "lightning_fabric", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return [name for name, (package, *_) in PEERS.items() if find_spec(package)]
