"""The Trainer's program on Ray workers."""

from __future__ import annotations

from leyden_strategy_ray.environment import RayEnvironment
from leyden_strategy_ray.strategy import RayStrategy

__all__ = ["RayEnvironment", "RayStrategy"]
