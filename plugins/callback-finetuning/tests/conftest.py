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


def make_module(bench: Bench, *, norm: bool = False, scheduled: bool = False) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            parts = [
                torch.nn.Linear(3, 4),
                torch.nn.BatchNorm1d(4) if norm else torch.nn.Tanh(),
                torch.nn.Linear(4, 4),
            ]
            self.backbone = torch.nn.Sequential(*parts)
            self.head = torch.nn.Linear(4, 1)
            self.seen: list[Any] = []

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            groups = self.trainer.optimizers[0].param_groups
            self.seen.append(
                (self.trainer.current_epoch, batch_idx, [(one["lr"], len(one["params"])) for one in groups])
            )
            return (self.head(self.backbone(batch[0])) - batch[1]).square().mean()

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.head(self.backbone(batch[0]))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam([one for one in self.parameters() if one.requires_grad], lr=0.1)
            if not scheduled:
                return optimizer
            return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]

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
