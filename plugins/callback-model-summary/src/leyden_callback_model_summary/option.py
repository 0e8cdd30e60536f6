"""The Trainer keyword ``enable_model_summary``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces import Option
from leyden_callback_model_summary.callback import ModelSummary
from leyden_callback_model_summary.rich import RichModelSummary

if TYPE_CHECKING:
    from leyden import Trainer


class EnableModelSummary(Option):
    """Prints a summary of the module unless the user passes a summary of their own or says no."""

    default: ClassVar[Any] = True
    annotation: ClassVar[Any] = bool | None
    order: ClassVar[int] = 40
    allowed: ClassVar[str] = "True or False"
    doc: ClassVar[str] = "print a table of the module's layers and parameters when fitting begins"

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool:
        if value is not None and not isinstance(value, bool):
            raise ConfigurationError.about("enable_model_summary", value, self.allowed)
        return value is not False

    def apply(self, value: bool, trainer: Trainer) -> None:
        if value and not any(isinstance(one, ModelSummary) for one in trainer.callbacks):
            trainer.callbacks.append(RichModelSummary() if _framed() else ModelSummary())


def _framed() -> bool:
    stream = sys.stdout
    return stream is not None and stream.isatty() and find_spec("rich") is not None
