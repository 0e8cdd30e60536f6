from __future__ import annotations

from typing import Any

import torch

from leyden.testing import MetricContract
from leyden_metrics import Accuracy


class TestAccuracy(MetricContract):
    entry_point = "Accuracy"

    def make(self) -> Any:
        return Accuracy()

    def updates(self) -> list[tuple[Any, ...]]:
        return [(torch.tensor([0, 1, at]), torch.tensor([0, 1, 2])) for at in range(4)]


class TestMeanSquaredError(MetricContract):
    entry_point = "MeanSquaredError"

    def updates(self) -> list[tuple[Any, ...]]:
        return [(torch.tensor([0.0, float(at)]), torch.tensor([0.5, 1.0])) for at in range(4)]
