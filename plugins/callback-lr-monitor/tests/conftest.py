from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

OFF = ("enable_checkpointing", "enable_progress_bar", "enable_model_summary")
Configure = Callable[[Any], Any]


class Bench:
    """Fits of a small module with the classes of one package, three batches an epoch."""

    def __init__(self, package: str, folder: Path) -> None:
        self.package, self.folder = package, folder
        with quiet():
            self.api = import_module(package)
            self.callbacks = import_module(f"{package}.callbacks")
            self.loggers = import_module(f"{package}.loggers")

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
        off = {name: False for name in OFF if self.package != "leyden" or name in accepted()}
        components = leyden_components() if self.package == "leyden" else {"accelerator": "cpu"}
        given = {"max_epochs": 2, "devices": 1, "log_every_n_steps": 1, **off, **components, **keywords}
        with quiet():
            trainer = self.api.Trainer(
                callbacks=list(callbacks),
                default_root_dir=self.folder,
                logger=self.logger() if logger is None else logger,
                **given,
            )
            torch.manual_seed(0)
            data = DataLoader(TensorDataset(torch.linspace(-1, 1, 6).reshape(-1, 2)))
            trainer.fit(self.module(configure, manual, logs), data, ckpt_path=ckpt_path)
        return trainer


def leyden_components() -> dict[str, Any]:
    from leyden.interfaces import Precision
    from leyden.testing import HostAccelerator, HostCheckpointIO, HostStrategy

    plugins = [Precision(), HostCheckpointIO()]
    return {"accelerator": HostAccelerator(), "strategy": HostStrategy(), "plugins": plugins}


def accepted() -> set[str]:
    from leyden.api.keywords import KEYWORDS
    from leyden.plugins import catalogue

    return {*KEYWORDS, *(entry.name for entry in catalogue().group("leyden.options"))}


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning warns about what these fits do on purpose, and logs what it finds on the machine."""
    loggers = [logging.getLogger(name) for name in ("lightning", "pytorch_lightning", "lightning.pytorch")]
    levels = [one.level for one in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="(?!leyden)")
        warnings.filterwarnings("error", message=r"\[")
        for one in loggers:
            one.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for one, level in zip(loggers, levels, strict=True):
                one.setLevel(level)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    with quiet():
        pytest.importorskip("pytorch_lightning")
    return Bench("leyden", tmp_path / "ours"), Bench("pytorch_lightning", tmp_path / "theirs")
