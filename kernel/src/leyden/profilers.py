"""The installed profilers, by the class that their entry points name: ``from leyden.profilers import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("profilers", Profiler="leyden.interfaces.profiler")
