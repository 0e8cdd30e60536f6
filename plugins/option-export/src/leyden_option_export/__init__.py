"""The Trainer keyword ``export``; importing this imports no torch."""

from __future__ import annotations

from leyden_option_export.option import Export

__all__ = ["Export"]
