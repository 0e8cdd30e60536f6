"""What the specifications say, as data."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leyden.kernel.hookspecs import FAMILIES
from leyden.kernel.hookspecs._mark import PROJECT

__all__ = ["EVENTS", "PROJECT", "Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """One hook: its name, family, parameters in order, and how results are gathered."""

    name: str
    family: str
    params: tuple[str, ...]
    firstresult: bool
    every: bool
    doc: str


def _event(family: str, function: Callable[..., Any]) -> Event:
    options = vars(function)[f"{PROJECT}_spec"]
    return Event(
        name=function.__name__,
        family=family,
        params=tuple(inspect.signature(function).parameters),
        firstresult=bool(options["firstresult"]),
        every=bool(vars(function)["leyden_every"]),
        doc=inspect.getdoc(function) or "",
    )


def _events() -> dict[str, Event]:
    found = {}
    for family in FAMILIES:
        short = family.__name__.rpartition(".")[2]
        for name, value in vars(family).items():
            if inspect.isfunction(value) and f"{PROJECT}_spec" in vars(value):
                found[name] = _event(short, value)
    return found


EVENTS: dict[str, Event] = _events()
"""Every hook by name, in the order of declaration."""
