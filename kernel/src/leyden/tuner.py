"""What the installed tuner offers: ``from leyden.tuner import Tuner``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("tuner")
