from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

OFF = ("enable_checkpointing", "enable_progress_bar", "enable_model_summary")


class Bench:
    """Fits of small modules with the classes of one package, on one CPU."""

    def __init__(self, package: str, folder: Path) -> None:
        self.package, self.folder = package, folder
        with quiet():
            self.api = import_module(package)
            self.callbacks = import_module(f"{package}.callbacks")

    @property
    def leyden(self) -> bool:
        return self.package == "leyden"

    def trainer(self, *callbacks: Any, **keywords: Any) -> Any:
        off = {name: False for name in OFF if not self.leyden or name in accepted()}
        components = leyden_components() if self.leyden else {"accelerator": "cpu"}
        given = {"max_epochs": 2, "devices": 1, "logger": False, **off, **components, **keywords}
        with quiet():
            return self.api.Trainer(callbacks=list(callbacks), default_root_dir=self.folder, **given)

    def fit(
        self,
        module: Any,
        *callbacks: Any,
        data: Any = None,
        val: Any = None,
        ckpt_path: Any = None,
        **keywords: Any,
    ) -> Any:
        trainer = self.trainer(*callbacks, **keywords)
        with quiet():
            torch.manual_seed(1)
            trainer.fit(module, data or loader(), val, ckpt_path=ckpt_path)
        return trainer


def loader(batches: int = 3, size: int = 4) -> Any:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(batches * size, 3, generator=generator)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=size)


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


def make_logger(bench: Bench) -> Any:
    base = import_module(f"{bench.package}.loggers").Logger

    class Memory(base):  # type: ignore[misc, valid-type]
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


@pytest.fixture
def logger() -> Any:
    return make_logger


@pytest.fixture
def data() -> Any:
    return loader
