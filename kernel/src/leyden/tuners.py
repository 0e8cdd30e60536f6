"""The installed tuners, by the class that their entry points name: ``from leyden.tuners import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("tuners", Tuner="leyden.interfaces.tuner")
