"""Trackio logger: metrics and hyper-parameters in a Trackio project."""

from __future__ import annotations

from leyden_logger_trackio.logger import TrackioLogger

__all__ = ["TrackioLogger"]
