"""Comet logger: metrics, hyper-parameters and the module's graph in a Comet experiment."""

from __future__ import annotations

from leyden_logger_comet.logger import CometLogger

__all__ = ["CometLogger"]
