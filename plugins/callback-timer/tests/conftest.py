from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

OFF = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")


class Bench:
    """Fits of a small module with the classes of one package. A training batch takes 1 second, one of validation 0.25.

    Attributes:
        now: what the clock says.
    """

    def __init__(self, package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package, self.folder, self.now = package, folder, 100.0
        with quiet():
            self.api = import_module(package)
            self.callbacks = import_module(f"{package}.callbacks")
        if package == "leyden":
            monkeypatch.setattr("leyden_callback_timer.clock.monotonic", lambda: self.now)
        else:
            clock = SimpleNamespace(monotonic=lambda: self.now)
            monkeypatch.setattr(f"{package}.callbacks.timer.time", clock)

    def timer(self, *args: Any, **kwargs: Any) -> Any:
        return self.callbacks.Timer(*args, **kwargs)

    def trainer(self, *callbacks: Any, **keywords: Any) -> Any:
        off = {name: False for name in OFF if self.package != "leyden" or name in accepted()}
        components = leyden_components() if self.package == "leyden" else {"accelerator": "cpu"}
        given = {"num_sanity_val_steps": 0, "devices": 1, **off, **components, **keywords}
        with quiet():
            return self.api.Trainer(callbacks=list(callbacks), default_root_dir=self.folder, **given)

    def fit(self, *callbacks: Any, ckpt_path: Any = None, fails: bool = False, **keywords: Any) -> Any:
        """Train a new module with a new Trainer: epochs of three training batches, then one of validation."""
        trainer = self.trainer(*callbacks, **keywords)
        with quiet():
            trainer.fit(self.module(fails), self.loader(3), self.loader(1), ckpt_path=ckpt_path)
        return trainer

    def loader(self, batches: int) -> Any:
        return DataLoader(TensorDataset(torch.linspace(-1, 1, 2 * batches).reshape(-1, 2)))

    def module(self, fails: bool = False) -> Any:
        bench = self

        class Module(self.api.LightningModule):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.layer = torch.nn.Linear(2, 1)

            def training_step(self, batch: Any, batch_idx: int) -> Any:
                bench.now += 1
                if fails:
                    raise RuntimeError("on purpose")
                return self.layer(batch[0]).square().mean()

            def validation_step(self, batch: Any, batch_idx: int) -> None:
                bench.now += 0.25

            test_step = validation_step

            def predict_step(self, batch: Any, batch_idx: int) -> Any:
                bench.now += 0.25
                return batch[0]

            def configure_optimizers(self) -> Any:
                return torch.optim.SGD(self.parameters(), lr=0.01)

        return Module()


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
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench("leyden", tmp_path, monkeypatch)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    with quiet():
        pytest.importorskip("pytorch_lightning")
    return (
        Bench("leyden", tmp_path / "ours", monkeypatch),
        Bench("pytorch_lightning", tmp_path / "theirs", monkeypatch),
    )
