"""``ThroughputMonitor``, ``Throughput``, ``measure_flops`` and ``get_available_flops``."""

from __future__ import annotations

from leyden_callback_throughput.callback import ThroughputMonitor
from leyden_callback_throughput.flops import get_available_flops, measure_flops
from leyden_callback_throughput.throughput import Throughput

__all__ = ["Throughput", "ThroughputMonitor", "get_available_flops", "measure_flops"]
