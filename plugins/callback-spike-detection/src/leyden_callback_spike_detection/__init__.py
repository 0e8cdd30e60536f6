"""``SpikeDetection``, ``TrainingSpikeException``, and ``SkipBatches``, which reads what it wrote."""

from __future__ import annotations

from leyden_callback_spike_detection.callback import SpikeDetection, TrainingSpikeException
from leyden_callback_spike_detection.skipping import SkipBatches

__all__ = ["SkipBatches", "SpikeDetection", "TrainingSpikeException"]
