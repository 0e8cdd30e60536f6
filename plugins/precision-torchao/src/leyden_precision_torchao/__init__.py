"""Low-precision training by torchao: float8, int8, and quantization-aware."""

from __future__ import annotations

from leyden_precision_torchao.float8 import Float8Precision
from leyden_precision_torchao.int8 import Int8Precision
from leyden_precision_torchao.qat import QATPrecision

__all__ = ["Float8Precision", "Int8Precision", "QATPrecision"]
