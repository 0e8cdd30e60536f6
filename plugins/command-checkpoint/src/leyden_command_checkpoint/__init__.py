"""``leyden checkpoint``; importing this imports no torch."""

from __future__ import annotations

from leyden_command_checkpoint.command import CheckpointCommand

__all__ = ["CheckpointCommand"]
