"""Checkpoints say where they come from."""

from __future__ import annotations

from leyden_provenance.plugin import Provenance

__all__ = ["Provenance"]
