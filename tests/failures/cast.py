"""Those who take part: a tiny module, data, callbacks and loggers of any package with Lightning's names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch.utils.data import DataLoader


@dataclass
class Fault:
    """What fails, and how often it did.

    Attributes:
        error: the very exception.
        armed: whether it fails at all.
        raised: how often it was raised.
    """

    error: BaseException
    armed: bool = True
    raised: int = 0

    def __call__(self) -> None:
        """Fail."""
        if self.armed:
            self.raised += 1
            raise self.error


@dataclass
class Seen:
    """What one participant was told.

    Attributes:
        up: calls of ``setup``.
        down: calls of ``teardown``.
        told: exceptions that ``on_exception`` got.
    """

    up: int = 0
    down: int = 0
    told: list[BaseException] = field(default_factory=list)


@dataclass(frozen=True)
class Package:
    """A package by name: its classes, and classes made of them."""

    name: str
    root: Any

    @property
    def logger(self) -> Any:
        """The base of loggers."""
        return importlib.import_module(f"{self.name}.loggers").Logger


def load(name: str) -> Package:
    """An installed package."""
    return Package(name, importlib.import_module(name))


def failing(base: type, hook: str, fault: Fault) -> type:
    """A subclass whose method (or property) ``hook`` fails after it has done its work."""
    if isinstance(getattr(base, hook, None), property):

        def get(self: Any) -> Any:
            value = getattr(super(made, self), hook)
            fault()
            return value

        member: Any = property(get)
    else:

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = getattr(super(made, self), hook)(*args, **kwargs)
            fault()
            return result

        member = call
    made = type("Failing", (base,), {hook: member})
    return made


def witness(package: Package) -> type:
    """A callback class that notes what it is told; ``Witness(fault, save_to)``."""

    base: Any = package.root.Callback

    class Witness(base):
        def __init__(self, save_to: str = "") -> None:
            self.seen, self.save_to = Seen(), save_to

        def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
            self.seen.up += 1

        def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
            self.seen.down += 1

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.seen.told.append(exception)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if self.save_to:
                trainer.save_checkpoint(self.save_to)

        def state_dict(self) -> dict[str, Any]:
            return {"up": self.seen.up}

        @property
        def state_key(self) -> str:
            return f"witness {type(self).__name__} {getattr(self, 'number', 0)}"

    return Witness


def module(package: Package) -> type:
    """A module class: one weight; ``Tiny(primary)`` raises ``primary`` in its first step."""

    base: Any = package.root.LightningModule

    class Tiny(base):
        def __init__(self, primary: BaseException | None = None) -> None:
            super().__init__()
            self.seen, self.primary = Seen(), primary
            self.layer = torch.nn.Linear(2, 1)
            self.example_input_array = torch.ones(1, 2)
            self.save_hyperparameters({"width": 2})

        def setup(self, stage: str) -> None:
            self.seen.up += 1

        def teardown(self, stage: str) -> None:
            self.seen.down += 1

        def forward(self, batch: Any) -> Any:
            return self.layer(batch).mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.primary is not None:
                raise self.primary
            loss = self(batch)
            self.log("loss", loss)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val", self(batch))

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.log("test", self(batch))

        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return self(batch)

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=0.01)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

    return Tiny


def datamodule(package: Package) -> type:
    """A data module class: two batches for every stage."""

    base: Any = package.root.LightningDataModule

    class Data(base):
        def __init__(self, workers: int = 0) -> None:
            super().__init__()
            self.seen, self.workers = Seen(), workers

        def setup(self, stage: str) -> None:
            self.seen.up += 1

        def teardown(self, stage: str) -> None:
            self.seen.down += 1

        def loader(self) -> Any:
            options: dict[str, Any] = {
                "num_workers": min(self.workers, 1),
                "persistent_workers": self.workers > 1,
            }
            return DataLoader(cast(Any, torch.ones(4, 2)), batch_size=2, **options)

        def train_dataloader(self) -> Any:
            return self.loader()

        val_dataloader = test_dataloader = predict_dataloader = train_dataloader

        def state_dict(self) -> dict[str, Any]:
            return {"a": 1}

    return Data


def logger(package: Package) -> type:
    """A logger class that notes when it was started and how it was finalised."""

    base: Any = package.logger

    class Log(base):
        def __init__(self) -> None:
            super().__init__()
            self.started, self.finalised = False, list[str]()

        name: Any = property(lambda self: "log")
        version: Any = property(lambda self: 0)

        @property
        def experiment(self) -> Any:
            self.started = True
            return self

        def log_metrics(self, metrics: Any, step: int | None = None) -> None: ...

        def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None: ...

        def log_graph(self, model: Any, input_array: Any = None) -> None: ...

        def save(self) -> None: ...

        def finalize(self, status: str) -> None:
            self.finalised.append(status)

    return Log


MAKERS: dict[str, Callable[[Package], type]] = {
    "callback": witness,
    "module": module,
    "datamodule": datamodule,
    "logger": logger,
}
