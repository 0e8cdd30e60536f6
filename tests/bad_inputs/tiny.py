"""The smallest module, data and Trainer; every case differs from them in one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from .namespace import Method, Namespace

BATCHES = 4
STEPS = ("training_step", "validation_step", "test_step", "predict_step")
STAGES = {"train": "fit", "val": "validate", "test": "test", "predict": "predict"}
STEP_OF = {"train": "training_step", "val": "validation_step", "test": "test_step", "predict": "predict_step"}


def loader(samples: int = 2 * BATCHES, **arguments: Any) -> DataLoader[Any]:
    """Batches of two samples with two features: four batches unless told otherwise."""
    data = TensorDataset(torch.arange(2.0 * samples).reshape(samples, 2) / 10)
    return DataLoader(data, **{"batch_size": 2, **arguments})


class _Stream(IterableDataset[torch.Tensor]):
    def __init__(self, samples: int) -> None:
        self.samples = samples

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(torch.ones(self.samples, 2))


def stream(samples: int = 2 * BATCHES) -> DataLoader[Any]:
    """A loader that does not know its length."""
    return DataLoader(_Stream(samples), batch_size=2)


def _features(batch: Any) -> torch.Tensor:
    return batch[0] if isinstance(batch, (list, tuple)) else batch


def counted(ns: Namespace, name: str, body: Method) -> Method:
    """A step method that tells the witness before it does what ``body(self, batch)`` does."""

    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        ns.witness.step()
        return body(self, batch)

    return named(step, name)


def named(function: Method, name: str) -> Method:
    """A copy of a function that calls itself a method of the tiny module, as the user's own would."""
    copy = FunctionType(
        function.__code__, function.__globals__, name, function.__defaults__, function.__closure__
    )
    copy.__qualname__ = f"Tiny.{name}"
    return copy


def _loss(self: Any, batch: Any) -> torch.Tensor:
    return self.layer(_features(batch)).pow(2).mean()


def _none(self: Any, batch: Any) -> None:
    self.layer(_features(batch))


def sgd(module: Any) -> torch.optim.Optimizer:
    """A plain optimizer over a module's parameters."""
    return torch.optim.SGD(module.parameters(), lr=0.01)


def members(ns: Namespace) -> dict[str, Any]:
    """What the tiny module's class defines."""

    def __init__(self: Any) -> None:
        ns.LightningModule.__init__(self)
        self.layer = torch.nn.Linear(2, 1)

    bodies = dict(zip(STEPS, (_loss, _none, _none, _none), strict=True))
    steps = {name: counted(ns, name, body) for name, body in bodies.items()}
    forward = lambda self, inputs: self.layer(inputs)  # noqa: E731
    return {"__init__": __init__, "forward": forward, "configure_optimizers": sgd, **steps}


def module_class(ns: Namespace, without: tuple[str, ...] = (), /, **changes: Any) -> type[Any]:
    """The tiny module's class with some members left out and others put in."""
    body = {name: value for name, value in members(ns).items() if name not in without}
    return type("Tiny", (ns.LightningModule,), {**body, **changes})


def module(ns: Namespace, without: tuple[str, ...] = (), /, **changes: Any) -> Any:
    """A tiny module with some members left out and others put in."""
    return module_class(ns, without, **changes)()


def datamodule(ns: Namespace, **changes: Any) -> Any:
    """A datamodule with one loader a stage; ``changes`` are class members."""
    hooks = {f"{stage}_dataloader": (lambda self: loader()) for stage in STAGES}
    return type("TinyData", (ns.LightningDataModule,), {**hooks, **changes})()


def trainer(ns: Namespace, folder: Path, **arguments: Any) -> Any:
    """A silent one-epoch Trainer on one CPU; tells the witness once it is built.

    What no installed plugin offers needs no silencing.
    """
    quiet: Mapping[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "default_root_dir": str(folder),
    }
    silencing = {name: value for name, value in quiet.items() if name in ns.keywords}
    built = ns.Trainer(**{**silencing, **arguments})
    ns.witness.built = True
    return built


def fit(ns: Namespace, folder: Path, model: Any = None, data: Any = None, **arguments: Any) -> Any:
    """Fit the tiny module (or ``model``) on the tiny data (or ``data``), and validate; return the Trainer."""
    built = trainer(ns, folder, **arguments)
    built.fit(module(ns) if model is None else model, loader() if data is None else data, loader())
    return built


def run(built: Any, stage: str, model: Any, *data: Any, **arguments: Any) -> Any:
    """Call the Trainer method of a stage (``train``, ``val``, ``test``, ``predict``)."""
    return getattr(built, STAGES[stage])(model, *data, **arguments)
