"""Fits of small modules with one of the two packages."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing.packages import Package, quiet


class Bench(Package):
    """Fits a module that a test brings: two epochs unless told otherwise, from the same seed, on the same data."""

    GIVEN: ClassVar[dict[str, Any]] = {"max_epochs": 2, "devices": 1}

    def fit(
        self,
        module: Any,
        *callbacks: Any,
        data: Any = None,
        val: Any = None,
        ckpt_path: Any = None,
        **keywords: Any,
    ) -> Any:
        """Train a module; returns the new Trainer that did.

        Args:
            module: a module of this package.
            callbacks: of the Trainer.
            data: of training; :meth:`loader` unless given.
            val: of validation; none unless given.
            ckpt_path: a checkpoint to resume.
            keywords: of the Trainer.
        """
        trainer = self.trainer(*callbacks, **keywords)
        with quiet():
            torch.manual_seed(1)
            trainer.fit(module, data or self.loader(), val, ckpt_path=ckpt_path)
        return trainer

    @staticmethod
    def loader(batches: int = 3, size: int = 4) -> Any:
        """Batches of inputs (size, 3), normally distributed, and their sums (size, 1); the same in each call."""
        generator = torch.Generator().manual_seed(2)
        x = torch.randn(batches * size, 3, generator=generator)
        return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=size)

    def memory_logger(self) -> Any:
        """A logger that keeps the metrics and the step of each call in its list ``got``."""

        class Memory(self.loggers.Logger):  # type: ignore[name-defined, misc]
            """Keeps what it gets."""

            name = version = "memory"

            def __init__(self) -> None:
                super().__init__()
                self.got: list[Any] = []

            def log_metrics(self, metrics: Any, step: Any = None) -> None:
                self.got.append((dict(metrics), step))

            def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
                """Not looked at."""

        return Memory()
