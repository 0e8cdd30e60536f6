from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest

from leyden.testing import LoggerContract
from leyden_logger_mlflow import MLFlowLogger


class TestContract(LoggerContract):
    # MLflow keeps the address, and connections to a database, for the process's life.
    leaves: ClassVar[tuple[str, ...]] = ("MLFLOW_TRACKING_URI", "mlflow.db", "_MLFLOW_TELEMETRY_SESSION_ID")

    @pytest.fixture(autouse=True)
    def _ready(self, ready_database: Path) -> None:
        self.database = ready_database

    def make(self) -> MLFlowLogger:
        if not Path("runs/mlflow.db").exists():
            Path("runs").mkdir(exist_ok=True)
            shutil.copy(self.database, "runs")
        return MLFlowLogger("contract", save_dir="runs", tracking_uri=None)

    def written(self, logger: Any) -> bytes:
        run = logger.experiment.get_run(logger.run_id)
        values = {
            name: [one.value for one in logger.experiment.get_metric_history(logger.run_id, name)]
            for name in run.data.metrics
        }
        return json.dumps([values, run.data.params]).encode()
