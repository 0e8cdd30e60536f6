"""Mixed precision: float32 parameters, steps in float16 or bfloat16 where that is safe."""

from __future__ import annotations

from leyden_precision_mixed.precision import MixedPrecision

__all__ = ["MixedPrecision"]
