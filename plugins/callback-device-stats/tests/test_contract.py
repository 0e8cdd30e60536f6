from __future__ import annotations

from typing import Any

from leyden.loggers import Logger
from leyden.testing import CallbackContract
from leyden_callback_device_stats import DeviceStatsMonitor


class Silent(Logger):
    """Writes nothing."""

    name = version = "silent"

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        pass

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        pass


class TestContract(CallbackContract):
    entry_point = "device_stats_monitor"

    def make(self) -> DeviceStatsMonitor:
        return DeviceStatsMonitor(cpu_stats=True)

    def further_keywords(self) -> dict[str, Any]:
        return {"logger": Silent(), "log_every_n_steps": 1}
