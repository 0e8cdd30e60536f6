from __future__ import annotations

from leyden.testing import LoggerContract
from leyden_logger_csv import CSVLogger


class TestContract(LoggerContract):
    def make(self) -> CSVLogger:
        return CSVLogger("logs")
