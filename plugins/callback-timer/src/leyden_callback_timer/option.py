"""The Trainer keyword ``max_time``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.api.rank_zero import rank_zero_info
from leyden.interfaces import Option
from leyden_callback_timer.callback import Timer
from leyden_callback_timer.duration import ALLOWED, duration

if TYPE_CHECKING:
    from leyden import Trainer


class MaxTime(Option):
    """``max_time``: the time that a fit may take; adds a :class:`Timer` that looks at the clock after each batch."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = str | timedelta | dict[str, float] | None
    allowed: ClassVar[str] = ALLOWED
    order: ClassVar[int] = 20
    doc: ClassVar[str] = (
        "end a fit after so much time, e.g. '00:12:00:00' or {'hours': 12}; None for no limit"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> timedelta | None:
        return duration("max_time", value)

    def apply(self, value: timedelta | None, trainer: Trainer) -> None:
        if value is None:
            return
        if any(isinstance(one, Timer) for one in trainer.callbacks):
            rank_zero_info(
                "max_time is ignored: there is a Timer among the callbacks, and its duration holds."
            )
            return
        trainer.callbacks.append(Timer(value, interval="step"))
