from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from leyden.testing import LoggerContract
from leyden_logger_wandb import WandbLogger


class TestContract(LoggerContract):
    # A W&B run stays open after fit, with threads and a log of its own; for its first it imports more of torch.
    leaves: ClassVar[tuple[str, ...]] = ("wandb", "Otel", "WANDB", "torch::jit")
    shared: ClassVar[frozenset[str]] = frozenset({"leyden_logger_wandb.runs.OPENED"})

    @pytest.fixture(autouse=True)
    def _reader(self, finished: Callable[[Any], Path]) -> None:
        self.finished = finished

    def make(self) -> WandbLogger:
        return WandbLogger(save_dir="runs", offline=True)

    def written(self, logger: Any) -> bytes:
        return self.finished(logger.experiment).read_bytes()
