"""One process, one device."""

from __future__ import annotations

from leyden_strategy_single_device.strategy import SingleDeviceStrategy

__all__ = ["SingleDeviceStrategy"]
