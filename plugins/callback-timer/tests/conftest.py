from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Package, quiet


class Bench(Package):
    """Fits of a small module with the classes of one package. A training batch takes 1 second, one of validation 0.25.

    Attributes:
        now: what the clock says.
    """

    def __init__(self, package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(package, folder)
        self.now = 100.0
        if self.ours:
            monkeypatch.setattr(
                "leyden_callback_timer.clock.time", SimpleNamespace(monotonic=lambda: self.now)
            )
        else:
            clock = SimpleNamespace(monotonic=lambda: self.now)
            monkeypatch.setattr(f"{package}.callbacks.timer.time", clock)

    def timer(self, *args: Any, **kwargs: Any) -> Any:
        return self.callbacks.Timer(*args, **kwargs)

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


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench("leyden", tmp_path, monkeypatch)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path, monkeypatch)
