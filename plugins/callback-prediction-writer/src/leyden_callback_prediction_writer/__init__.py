"""``BasePredictionWriter``."""

from __future__ import annotations

from leyden_callback_prediction_writer.callback import BasePredictionWriter, WriteInterval

__all__ = ["BasePredictionWriter", "WriteInterval"]
