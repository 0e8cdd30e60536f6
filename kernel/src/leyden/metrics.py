"""The installed metrics, by the class that their entry points name: ``from leyden.metrics import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("metrics")
