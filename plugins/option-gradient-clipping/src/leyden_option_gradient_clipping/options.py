"""Two options of the Trainer: by how much gradients are clipped, and how."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, ClassVar

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option

ALGORITHMS = ("norm", "value")


class GradientClipVal(Option):
    """``gradient_clip_val``: the bound of the gradients before each optimizer step."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = float | int | None
    allowed: ClassVar[str] = "a finite number >= 0, or None; 0 and None do not clip"
    doc: ClassVar[str] = "clip gradients to this before each optimizer step; None or 0 does not clip"

    def validate(self, value: Any, given: Mapping[str, Any]) -> float | int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ArgumentTypeError.about("gradient_clip_val", value, self.allowed)
        if not isfinite(value) or value < 0:
            raise ConfigurationError.about("gradient_clip_val", value, self.allowed)
        return value

    def apply(self, value: float | int | None, trainer: Any) -> None:
        trainer.gradient_clip_val = value
        if value:
            trainer.add_listener(ManualOptimizationCheck())


class GradientClipAlgorithm(Option):
    """``gradient_clip_algorithm``: what is bounded. Without ``gradient_clip_val`` it changes nothing."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = str | None
    allowed: ClassVar[str] = "'norm' (all gradients together), 'value' (each element), or None ('norm')"
    doc: ClassVar[str] = "clip by 'norm' or by 'value'; None is 'norm'"

    def validate(self, value: Any, given: Mapping[str, Any]) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise ArgumentTypeError.about("gradient_clip_algorithm", value, self.allowed)
        if value.lower() not in ALGORITHMS:
            raise ConfigurationError.about("gradient_clip_algorithm", value, self.allowed)
        return value.lower()

    def apply(self, value: str | None, trainer: Any) -> None:
        trainer.gradient_clip_algorithm = value


class ManualOptimizationCheck:
    """Refuses to fit a module that steps its optimizers itself: the Trainer would have no moment to clip."""

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """Raise before anything of the user's is called.

        Raises:
            leyden.errors.ConfigurationError: the module optimizes manually and a bound is set.
        """
        value = trainer.gradient_clip_val
        if trainer.state.fn == "fit" and value and not pl_module.automatic_optimization:
            raise ConfigurationError.about(
                "gradient_clip_val",
                value,
                "None with automatic_optimization=False",
                "Call self.clip_gradients(optimizer, gradient_clip_val=…) in training_step instead.",
            )
