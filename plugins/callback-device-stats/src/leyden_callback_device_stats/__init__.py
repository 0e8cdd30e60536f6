"""``DeviceStatsMonitor``."""

from __future__ import annotations

from leyden_callback_device_stats.callback import DeviceStatsMonitor

__all__ = ["DeviceStatsMonitor"]
