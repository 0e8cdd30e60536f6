"""What the tests of the facade share: a silent Trainer, a module made of functions, numbered data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from leyden import LightningModule, Logger, Trainer


def quiet(**options: Any) -> Trainer:
    """A Trainer of one epoch on the CPU that writes and shows nothing."""
    silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    few = {"max_epochs": 1, "num_sanity_val_steps": 0, "logger": False, "accelerator": "cpu", "devices": 1}
    return Trainer(**{**silent, **few, **options})


class Numbers(Dataset[Tensor]):
    """``size`` samples; sample ``i`` is ``(i, 1)``. Counts how often each was read."""

    def __init__(self, size: int) -> None:
        self.size, self.read = size, list[int]()

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Tensor:
        self.read.append(index)
        return torch.tensor([float(index), 1.0])


def numbers(size: int = 6, batch_size: int = 2, **options: Any) -> DataLoader[Tensor]:
    """A loader of :class:`Numbers`."""
    return DataLoader(Numbers(size), batch_size=batch_size, **options)


class Linear(LightningModule):
    """Two weights with fixed first values, trained by SGD unless told otherwise.

    Args:
        optimize: what ``configure_optimizers`` returns, given the module.
        methods: functions that take the place of methods; they get the module first.
    """

    optimize: Callable[[Any], Any] | None
    seen: list[Any]

    def __init__(self, optimize: Callable[[Any], Any] | None = None, **methods: Callable[..., Any]) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        torch.nn.init.constant_(self.layer.weight, 0.5)
        torch.nn.init.zeros_(self.layer.bias)
        self.__dict__["optimize"] = optimize
        self.__dict__["seen"] = list[Any]()
        for name, method in methods.items():
            self.__dict__[name] = method.__get__(self)

    def forward(self, batch: Tensor) -> Tensor:
        """Map (N, 2) to (N, 1)."""
        outputs: Tensor = self.layer(batch / 10)
        return outputs

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        """The mean square of the outputs; the batch's first samples are noted."""
        self.seen.append(samples(batch))
        return self(batch).square().mean()

    def configure_optimizers(self) -> Any:
        """As given."""
        return self.optimize(self) if self.optimize else torch.optim.SGD(self.parameters(), lr=0.1)


def samples(batch: Tensor) -> list[int]:
    """The numbers of a batch's samples."""
    return [int(one) for one in batch[:, 0]]


def weights(module: torch.nn.Module) -> list[float]:
    """All parameters, one after the other."""
    return [float(value) for parameter in module.parameters() for value in parameter.detach().flatten()]


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two state dicts are equal bit by bit."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


class Kept(Logger):
    """A logger that keeps what it gets: ``(metrics, step)``, with the epoch among the metrics where it is shown."""

    def __init__(self) -> None:
        self.metrics: list[tuple[dict[str, float], int | None]] = []
        self.params: list[dict[str, Any]] = []

    @property
    def name(self) -> str:
        """Its class."""
        return "kept"

    @property
    def version(self) -> int:
        """Zero."""
        return 0

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Keep them."""
        self.metrics.append((metrics, step))

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Keep them."""
        self.params.append(dict(params))
