from __future__ import annotations

import json
from typing import Any

from leyden.testing import LoggerContract
from leyden_logger_trackio import TrackioLogger


class TestContract(LoggerContract):
    def make(self) -> TrackioLogger:
        return TrackioLogger("contract", auto_log_gpu=False, auto_log_cpu=False)

    def written(self, logger: Any) -> bytes:
        from trackio.sqlite_storage import SQLiteStorage

        logger.finalize("success")
        rows = SQLiteStorage.get_logs(logger.name, logger.version)
        return json.dumps(
            [rows, SQLiteStorage.get_run_config(logger.name, logger.version)], default=str
        ).encode()
