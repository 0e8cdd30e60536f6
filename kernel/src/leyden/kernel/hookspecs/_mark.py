"""The marker that declares a hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pluggy

PROJECT = "leyden"

F = TypeVar("F", bound=Callable[..., Any])

_pluggy_spec = pluggy.HookspecMarker(PROJECT)


def spec(*, firstresult: bool = False, every: bool = False) -> Callable[[F], F]:
    """Declare a hook.

    Args:
        firstresult: stop at the first listener that returns something other than ``None`` ("who does this?").
        every: call every listener even when one of them raises; the first exception is raised afterwards. For
            events that release resources, and for loggers, of which none may lose what another failed to write.
    """

    def mark(function: F) -> F:
        function.leyden_every = every  # type: ignore[attr-defined]
        return _pluggy_spec(function, firstresult=firstresult)

    return mark
