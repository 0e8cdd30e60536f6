"""Linear layers of bitsandbytes: 4-bit and 8-bit weights."""

from __future__ import annotations

from leyden_precision_bitsandbytes.precision import BitsandbytesPrecision

__all__ = ["BitsandbytesPrecision"]
