"""Weights & Biases logger: metrics, media, hyper-parameters and checkpoints in a W&B run."""

from __future__ import annotations

from leyden_logger_wandb.logger import WandbLogger

__all__ = ["WandbLogger"]
