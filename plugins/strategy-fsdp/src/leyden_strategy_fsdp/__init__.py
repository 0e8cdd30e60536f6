"""Fully sharded data-parallel training on FSDP2."""

from __future__ import annotations

from leyden_strategy_fsdp.precision import FSDPPrecision
from leyden_strategy_fsdp.strategy import FSDPStrategy

__all__ = ["FSDPPrecision", "FSDPStrategy"]
