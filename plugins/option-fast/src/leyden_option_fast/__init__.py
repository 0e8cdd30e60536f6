"""The Trainer keyword ``fast``."""

from __future__ import annotations

from leyden_option_fast.option import Fast

__all__ = ["Fast"]
