"""Tensor-parallel training, also sharded, on a device mesh."""

from __future__ import annotations

from leyden_strategy_model_parallel.strategy import ModelParallelStrategy

__all__ = ["ModelParallelStrategy"]
