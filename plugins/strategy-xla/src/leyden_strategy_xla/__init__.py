"""Training on XLA devices: on one, or on all of a machine or a pod."""

from __future__ import annotations

from leyden_strategy_xla.environment import XLAEnvironment
from leyden_strategy_xla.several import XLAStrategy
from leyden_strategy_xla.single import SingleDeviceXLAStrategy

__all__ = ["SingleDeviceXLAStrategy", "XLAEnvironment", "XLAStrategy"]
