"""The Trainer keywords ``deterministic``, ``benchmark`` and ``detect_anomaly``."""

from __future__ import annotations

from leyden_option_reproducibility.options import Benchmark, DetectAnomaly, Deterministic

__all__ = ["Benchmark", "DetectAnomaly", "Deterministic"]
