"""CSV logger: one ``metrics.csv`` and one ``hparams.yaml`` a run."""

from __future__ import annotations

from leyden_logger_csv.logger import CSVLogger
from leyden_logger_csv.writer import ExperimentWriter

__all__ = ["CSVLogger", "ExperimentWriter"]
