from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.testing import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)


def make_module(bench: Bench) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            parts = [torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)]
            self.net = torch.nn.Sequential(*parts)
            self.register_buffer("user_mask", torch.ones(2)) if bench.ours else None

        def loss(self, batch: Any) -> Any:
            return (self.net(batch[0]) - batch[1]).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return self.loss(batch)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.loss(batch)

        test_step = validation_step

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.05)

    torch.manual_seed(0)
    return Module()


def state(module: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in module.state_dict().items() if name != "user_mask"}


@pytest.fixture
def make() -> Any:
    return make_module


@pytest.fixture
def weights() -> Any:
    return state


@pytest.fixture
def data() -> Any:
    return Bench.loader
