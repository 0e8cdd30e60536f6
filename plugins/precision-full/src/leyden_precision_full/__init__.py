"""One number format for everything: float32, float64, float16 or bfloat16."""

from __future__ import annotations

from leyden_precision_full.precision import DoublePrecision, FullPrecision, HalfPrecision

__all__ = ["DoublePrecision", "FullPrecision", "HalfPrecision"]
