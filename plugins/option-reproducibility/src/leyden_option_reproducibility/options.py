"""Three options of the Trainer, each for a global flag of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option
from leyden_option_reproducibility.settings import Determinism, Settings

if TYPE_CHECKING:
    from leyden import Trainer


class Deterministic(Option):
    """``deterministic``: whether operations that have no deterministic algorithm raise, warn or run."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = bool | str | None
    allowed: ClassVar[str] = "True, 'warn', False, or None (as it is)"
    doc: ClassVar[str] = "use deterministic algorithms; where there is none, raise (True) or warn ('warn')"

    def validate(self, value: Any, given: Mapping[str, Any]) -> Determinism | None:
        if isinstance(value, str) and value != "warn":
            raise ConfigurationError.about("deterministic", value, self.allowed)
        if value is not None and not isinstance(value, bool | str):
            raise ArgumentTypeError.about("deterministic", value, self.allowed)
        if value and given.get("benchmark") is True:
            warn(
                "deterministic-benchmark",
                f"deterministic={value!r} with benchmark=True: cuDNN takes the algorithm that it measures to be the "
                "fastest, and that may be another one in the next run. Leave benchmark out.",
            )
        checked: Determinism | None = value
        return checked

    def apply(self, value: Determinism | None, trainer: Trainer) -> None:
        if value is not None:
            Settings.of(trainer).deterministic = value


class Benchmark(Option):
    """``benchmark``: whether cuDNN measures which of its algorithms is the fastest."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = bool | None
    allowed: ClassVar[str] = "True, False, or None (as it is; off with deterministic)"
    doc: ClassVar[str] = "let cuDNN try its algorithms and take the fastest; for inputs that keep their size"

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool | None:
        return _flag("benchmark", value, self.allowed)

    def apply(self, value: bool | None, trainer: Trainer) -> None:
        if value is not None:
            Settings.of(trainer).benchmark = value


class DetectAnomaly(Option):
    """``detect_anomaly``: whether autograd looks for NaN and remembers where in the forward pass it came from."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = bool | None
    allowed: ClassVar[str] = "True, False, or None (as it is)"
    doc: ClassVar[str] = (
        "raise where a gradient becomes NaN, and say where in the forward pass it came from; slow"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool | None:
        return _flag("detect_anomaly", value, self.allowed)

    def apply(self, value: bool | None, trainer: Trainer) -> None:
        if value is not None:
            Settings.of(trainer).detect_anomaly = value


def _flag(keyword: str, value: Any, allowed: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise ArgumentTypeError.about(keyword, value, allowed)
