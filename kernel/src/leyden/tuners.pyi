"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.tuner import Tuner as Tuner
from leyden_tuner_optuna import OptunaTuner as OptunaTuner
from leyden_tuner_ray import RayTuner as RayTuner

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
