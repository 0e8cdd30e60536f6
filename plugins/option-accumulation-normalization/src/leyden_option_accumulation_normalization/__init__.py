"""The Trainer keyword ``accumulate_normalization``."""

from __future__ import annotations

from leyden_option_accumulation_normalization.option import AccumulateNormalization

__all__ = ["AccumulateNormalization"]
