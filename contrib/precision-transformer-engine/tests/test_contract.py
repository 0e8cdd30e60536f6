"""With a fake of Transformer Engine: see conftest.py."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from leyden.testing import PrecisionContract
from leyden_precision_transformer_engine import TransformerEnginePrecision

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*CUDA is not available:UserWarning"),
    pytest.mark.usefixtures("engine"),
]


class TestContract(PrecisionContract):
    entry_point = "transformer-engine"
    expected: ClassVar[tuple[str, str, bool]] = ("bfloat16", "bfloat16", False)

    def make(self) -> TransformerEnginePrecision:
        return TransformerEnginePrecision(weights_dtype=torch.bfloat16)

    def test_is_made_from_its_name(self) -> None:
        """By name it is made for a CUDA device alone."""
        made = TransformerEnginePrecision.from_name(self.entry().name, torch.device("cuda", 0))
        assert made.precision == "transformer-engine"
