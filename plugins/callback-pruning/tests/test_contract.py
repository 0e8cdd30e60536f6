from __future__ import annotations

from leyden.testing import CallbackContract
from leyden_callback_pruning import ModelPruning


class TestContract(CallbackContract):
    entry_point = "model_pruning"

    def make(self) -> ModelPruning:
        return ModelPruning("l1_unstructured", amount=0.25)
