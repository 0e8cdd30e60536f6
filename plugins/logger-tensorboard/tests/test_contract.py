from __future__ import annotations

from leyden.testing import LoggerContract
from leyden_logger_tensorboard import TensorBoardLogger


class TestContract(LoggerContract):
    def make(self) -> TensorBoardLogger:
        return TensorBoardLogger("logs")
