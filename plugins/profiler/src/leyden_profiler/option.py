"""The Trainer keyword ``profiler``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option
from leyden.interfaces.profiler import Profiler
from leyden.plugins.catalogue import catalogue
from leyden.plugins.components import resolve
from leyden_profiler.passthrough import PassThroughProfiler


class ProfilerOption(Option):
    """``profiler``: the name of an installed profiler, or one of one's own."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = object
    order: ClassVar[int] = 60
    doc: ClassVar[str] = "measure the run: 'simple', 'advanced', 'pytorch', or a Profiler"

    def validate(self, value: Any, given: Mapping[str, Any]) -> Profiler | None:
        if value is None or isinstance(value, Profiler):
            return value
        names = sorted({one.name for one in catalogue().group("leyden.profilers")})
        allowed = ", ".join([*map(repr, names), "a leyden.profilers.Profiler", "None"])
        if not isinstance(value, str):
            raise ArgumentTypeError.about("profiler", value, allowed)
        if value.lower() not in names:
            raise ConfigurationError.about("profiler", value, allowed)
        made: Profiler = resolve("profilers", value.lower())()
        return made

    def apply(self, value: Profiler | None, trainer: Any) -> None:
        trainer.profiler = value or PassThroughProfiler()
        if value is not None and not isinstance(value, PassThroughProfiler):
            from leyden_profiler.listener import Measured

            trainer.add_listener(Measured(value))
