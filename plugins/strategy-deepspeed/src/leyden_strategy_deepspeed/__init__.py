"""Training on DeepSpeed's engine, which shares optimizer states, gradients and weights among processes."""

from __future__ import annotations

from leyden_strategy_deepspeed.precision import DeepSpeedPrecision
from leyden_strategy_deepspeed.strategy import DeepSpeedStrategy

__all__ = ["DeepSpeedPrecision", "DeepSpeedStrategy"]
