from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from leyden.testing import OptionContract, StepContract, TinyModule

NOTES = frozenset({"leyden_legacy.notes._said", "leyden_legacy.classes._words"})
"""Each note is given once a process, and each class of a user's read once."""


class TestPrepareContract(OptionContract):
    shared: ClassVar[frozenset[str]] = NOTES
    entry_point = "prepare_data_per_node"
    good: ClassVar[tuple[Any, ...]] = (True, False)
    bad: ClassVar[tuple[Any, ...]] = (None, 1, "no")


class TestGradientNormContract(OptionContract):
    shared: ClassVar[frozenset[str]] = NOTES
    entry_point = "track_grad_norm"
    good: ClassVar[tuple[Any, ...]] = (2, 1.5, "inf")
    bad: ClassVar[tuple[Any, ...]] = (0, -2, "two", True)


class TestLoaderModeContract(OptionContract):
    shared: ClassVar[frozenset[str]] = NOTES
    entry_point = "multiple_trainloader_mode"
    good: ClassVar[tuple[Any, ...]] = ("max_size", "min_size")
    bad: ClassVar[tuple[Any, ...]] = ("sequential", None, 3)


class Two(TinyModule):
    """A second optimizer, for a bias that is added to the loss's square."""

    def __init__(self) -> None:
        super().__init__()
        self.further = nn.Parameter(torch.ones(()))

    def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:  # type: ignore[override]
        loss = super().training_step(batch, batch_idx)
        return loss if optimizer_idx == 0 else self.further.square()

    def configure_optimizers(self) -> Any:
        return [super().configure_optimizers(), torch.optim.SGD([self.further], lr=0.1)]


class TestStepContract(StepContract):
    shared: ClassVar[frozenset[str]] = NOTES
    entry_point = "legacy"
    updates: ClassVar[int] = 4

    def module(self) -> Any:
        return Two()
