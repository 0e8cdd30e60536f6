"""Checkpoints of PyTorch Lightning 0.x and 1.x, brought to the format of 2.x."""

from __future__ import annotations

from leyden_checkpoint_migration.migration import LightningMigration

__all__ = ["LightningMigration"]
