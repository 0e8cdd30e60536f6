"""Data-parallel training in several processes."""

from __future__ import annotations

from leyden_strategy_ddp.strategy import DDPStrategy

__all__ = ["DDPStrategy"]
