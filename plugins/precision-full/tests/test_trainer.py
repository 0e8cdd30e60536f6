from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from leyden.testing import Runner, TinyModule
from leyden_precision_full import DoublePrecision

OWN = ["leyden-precision-full"]


class Observed(TinyModule):
    """Keeps the dtypes that its steps see."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: set[torch.dtype] = set()

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss = super().loss(batch)
        seen = (batch[0], batch[1], self.layer.weight, loss, torch.zeros(1))
        self.dtypes |= {one.dtype for one in seen}
        return loss

    def configure_model(self) -> None:
        self.dtypes.add(torch.zeros(1).dtype)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [
        ("32-true", torch.float32),
        (32, torch.float32),
        ("64", torch.float64),
        (64, torch.float64),
        ("16-true", torch.float16),
        ("bf16-true", torch.bfloat16),
    ],
)
def test_everything_has_one_format(leyden_run: Runner, precision: Any, dtype: torch.dtype) -> None:
    module = Observed()
    outcome = leyden_run("fit", "test", "predict", module=module, allowed=OWN, precision=precision).ok()
    assert module.dtypes == {dtype}
    assert {one.dtype for one in outcome.result} == {dtype}
    assert torch.get_default_dtype() is torch.float32


def test_an_instance_is_taken_through_plugins(leyden_run: Runner) -> None:
    module = Observed()
    trainer = leyden_run("fit", module=module, allowed=OWN, plugins=[DoublePrecision()]).ok().trainer
    assert module.dtypes == {torch.float64}
    assert trainer.precision_plugin.precision == "64-true"
