"""The installed loggers, by the class that their entry points name: ``from leyden.loggers import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("loggers", Logger="leyden.api.logger")
