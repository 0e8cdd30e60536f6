"""The kernel's own components keep their contracts."""

from __future__ import annotations

from typing import Any

from leyden.testing import CommandContract, StepContract, TinyModule


class Manual(TinyModule):
    """Optimizes by hand."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        optimizer = self.optimizers()
        optimizer.zero_grad()
        loss = super().training_step(batch, batch_idx)
        self.manual_backward(loss)
        optimizer.step()
        return loss


class TestAutomaticStep(StepContract):
    entry_point = "automatic"


class TestManualStep(StepContract):
    entry_point = "manual"

    def module(self) -> Manual:
        return Manual()


class TestPluginsCommand(CommandContract):
    entry_point = "plugins"
    arguments = ("list",)
