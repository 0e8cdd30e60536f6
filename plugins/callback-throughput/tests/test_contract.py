from __future__ import annotations

from typing import Any

from leyden.loggers import Logger
from leyden.testing import CallbackContract
from leyden_callback_throughput import ThroughputMonitor


class Silent(Logger):
    """Writes nothing."""

    name = version = "silent"

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        pass

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        pass


def size(batch: Any) -> int:
    return len(batch[0])


class TestContract(CallbackContract):
    entry_point = "throughput_monitor"

    def make(self) -> ThroughputMonitor:
        return ThroughputMonitor(size, length_fn=size, window_size=2)

    def further_keywords(self) -> dict[str, Any]:
        return {"logger": Silent(), "log_every_n_steps": 1}
