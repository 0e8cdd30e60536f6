from __future__ import annotations

from typing import Any

from leyden.loggers import Logger
from leyden.testing import CallbackContract
from leyden_callback_lr_monitor import LearningRateMonitor


class Silent(Logger):
    """Writes nothing."""

    name = version = "silent"

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        pass

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        pass


class WithLogger(CallbackContract):
    entry_point = "learning_rate_monitor"

    def further_keywords(self) -> dict[str, Any]:
        return {"logger": Silent(), "log_every_n_steps": 1}


class TestContract(WithLogger):
    pass


class TestContractWithEverything(WithLogger):
    def make(self) -> LearningRateMonitor:
        return LearningRateMonitor("step", log_momentum=True, log_weight_decay=True)


del WithLogger
