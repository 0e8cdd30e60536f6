from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.testing import Bench, quiet


class Averaging(Bench):
    """Fits, and tests of what they save."""

    def test(self, trainer: Any, module: Any, path: Any) -> None:
        with quiet():
            trainer.test(module, self.loader(), ckpt_path=path, verbose=False)


@pytest.fixture
def bench(tmp_path: Path) -> Averaging:
    return Averaging("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Averaging, Averaging]:
    """Leyden, and Lightning to compare it with."""
    return Averaging.both(tmp_path)


def make_module(
    bench: Bench, *, norm: bool = False, optimizer: str = "Adam", scheduled: str = "", manual: bool = False
) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = not manual
            middle = torch.nn.BatchNorm1d(4) if norm else torch.nn.Tanh()
            self.net = torch.nn.Sequential(torch.nn.Linear(3, 4), middle, torch.nn.Linear(4, 1))
            self.seen: list[Any] = []

        def loss(self, batch: Any) -> Any:
            return (self.net(batch[0]) - batch[1]).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            group = self.trainer.optimizers[0].param_groups[0]
            self.seen.append((self.trainer.current_epoch, batch_idx, group["lr"]))
            return self.loss(batch)

        def validation_step(self, batch: Any, batch_idx: int) -> Any:
            self.seen.append(self.loss(batch).item())

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.loss(batch)

        def configure_optimizers(self) -> Any:
            optimizers = {"Adam": torch.optim.Adam, "SGD": torch.optim.SGD}
            made = optimizers[optimizer](self.parameters(), lr=0.1)
            if not scheduled:
                return made
            scheduler = torch.optim.lr_scheduler.ExponentialLR(made, 0.8)
            return [made], [{"scheduler": scheduler, "interval": scheduled}]

    torch.manual_seed(0)
    return Module()


def state(module: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in module.state_dict().items()}


@pytest.fixture
def make() -> Any:
    return make_module


@pytest.fixture
def weights() -> Any:
    return state


@pytest.fixture
def data() -> Any:
    return Bench.loader


@pytest.fixture(autouse=True)
def _no_validation_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "no-validation-data")
