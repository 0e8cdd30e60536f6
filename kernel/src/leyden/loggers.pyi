"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.api.logger import Logger as Logger
from leyden_logger_csv import CSVLogger as CSVLogger
from leyden_logger_mlflow import MLFlowLogger as MLFlowLogger
from leyden_logger_tensorboard import TensorBoardLogger as TensorBoardLogger
from leyden_logger_wandb import WandbLogger as WandbLogger

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
