"""MLflow logger: metrics, hyper-parameters and checkpoints in an MLflow store."""

from __future__ import annotations

from leyden_logger_mlflow.logger import MLFlowLogger

__all__ = ["MLFlowLogger"]
