"""What users write against: Trainer, LightningModule, LightningDataModule, Callback, Logger."""

from __future__ import annotations
