"""The Trainer keyword ``trace``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from leyden.errors import ArgumentTypeError
from leyden.interfaces import Option


class TraceOption(Option):
    """``trace``: measure every plugin in every hook, and write down what it cost."""

    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = object
    order: ClassVar[int] = 61
    allowed: ClassVar[str] = "True, False, or the folder for the files"
    doc: ClassVar[str] = "measure what each plugin costs in each hook; True, or the folder for the files"

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool | str:
        if value is None or isinstance(value, bool):
            return bool(value)
        if not isinstance(value, str | os.PathLike) or not os.fspath(value):
            raise ArgumentTypeError.about("trace", value, self.allowed)
        return os.fspath(value)

    def apply(self, value: bool | str, trainer: Any) -> None:
        if value:
            from leyden_option_trace.tracer import Tracer

            trainer.add_listener(Tracer(None if value is True else str(value)))
