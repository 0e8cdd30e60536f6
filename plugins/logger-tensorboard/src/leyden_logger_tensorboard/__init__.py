"""TensorBoard logger: scalars, hyper-parameters and the module's graph as event files."""

from __future__ import annotations

from leyden_logger_tensorboard.logger import TensorBoardLogger

__all__ = ["TensorBoardLogger"]
