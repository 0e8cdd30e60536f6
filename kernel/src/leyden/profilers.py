"""The installed profilers, by the class that their entry points name: ``from leyden.profilers import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.profiler import Profiler as Profiler

__getattr__, __dir__ = view("profilers", Profiler="leyden.interfaces.profiler")
