"""``leyden export``; importing this imports no torch."""

from __future__ import annotations

from leyden_command_export.command import ExportCommand

__all__ = ["ExportCommand"]
