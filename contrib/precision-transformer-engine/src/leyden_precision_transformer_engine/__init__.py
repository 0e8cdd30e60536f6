"""FP8 training with NVIDIA's Transformer Engine."""

from __future__ import annotations

from leyden_precision_transformer_engine.precision import TransformerEnginePrecision

__all__ = ["TransformerEnginePrecision"]
