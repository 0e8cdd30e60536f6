"""By what the gradients of an accumulation window are divided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces import Option

CHOICES = ("window", "batches", "weight")


class AccumulateNormalization(Option):
    """``accumulate_normalization``: what an update's gradient is the mean of."""

    default: ClassVar[Any] = "window"
    annotation: ClassVar[Any] = str
    allowed: ClassVar[str] = (
        "'window' (the sum over accumulate_grad_batches), 'batches' (over the batches that there were), or 'weight' "
        "(over the weights that training_step returns)"
    )
    doc: ClassVar[str] = (
        "divide accumulated gradients by the 'window', by its 'batches', or by their 'weight'"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> str:
        if value not in CHOICES:
            raise ConfigurationError.about("accumulate_normalization", value, self.allowed)
        return str(value)

    def apply(self, value: str, trainer: Any) -> None:
        if value != "window":
            from leyden_option_accumulation_normalization.mean import BatchMean, WeightedMean

            trainer.add_listener(BatchMean() if value == "batches" else WeightedMean())
