from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Package, quiet

Configure = Callable[[Any], Any]


class Bench(Package):
    """Fits of a small module with the classes of one package, three batches an epoch."""

    def monitor(self, **arguments: Any) -> Any:
        return self.callbacks.LearningRateMonitor(**arguments)

    def logger(self) -> Any:
        class Memory(self.loggers.Logger):  # type: ignore[name-defined, misc]
            """Keeps what it gets."""

            name = version = "memory"

            def __init__(self) -> None:
                super().__init__()
                self.got: list[tuple[dict[str, float], int]] = []

            def log_metrics(self, metrics: Any, step: Any = None) -> None:
                self.got.append((dict(metrics), step))

            def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
                """Not looked at."""

        return Memory()

    def module(self, configure: Configure, manual: bool = False, logs: bool = False) -> Any:
        class Module(self.api.LightningModule):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.automatic_optimization = not manual
                self.one, self.two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

            def training_step(self, batch: Any, batch_idx: int) -> Any:
                loss = self.two(self.one(batch[0])).square().mean()
                if logs:
                    self.log("loss", float(self.trainer.global_step))
                if manual:
                    self.step(loss)
                return loss

            def step(self, loss: Any) -> None:
                optimizers, schedulers = self.optimizers(), self.lr_schedulers() or []
                self.manual_backward(loss)
                for one in optimizers if isinstance(optimizers, list) else [optimizers]:
                    one.step()
                    one.zero_grad()
                for one in schedulers if isinstance(schedulers, list) else [schedulers]:
                    one.step()

            def configure_optimizers(self) -> Any:
                return configure(self)

        return Module()

    def fit(
        self,
        *callbacks: Any,
        configure: Configure,
        manual: bool = False,
        logs: bool = False,
        logger: Any = None,
        ckpt_path: Any = None,
        **keywords: Any,
    ) -> Any:
        given = {"max_epochs": 2, "log_every_n_steps": 1, **keywords}
        with quiet():
            trainer = self.trainer(*callbacks, logger=self.logger() if logger is None else logger, **given)
            torch.manual_seed(0)
            data = DataLoader(TensorDataset(torch.linspace(-1, 1, 6).reshape(-1, 2)))
            trainer.fit(self.module(configure, manual, logs), data, ckpt_path=ckpt_path)
        return trainer


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)
