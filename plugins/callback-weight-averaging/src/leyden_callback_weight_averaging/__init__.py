"""Averages of weights: ``StochasticWeightAveraging``, ``WeightAveraging``, ``EMAWeightAveraging``."""

from __future__ import annotations

from leyden_callback_weight_averaging.averaging import WeightAveraging
from leyden_callback_weight_averaging.ema import EMAWeightAveraging
from leyden_callback_weight_averaging.swa import StochasticWeightAveraging

__all__ = ["EMAWeightAveraging", "StochasticWeightAveraging", "WeightAveraging"]
