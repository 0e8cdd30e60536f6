"""The installed strategies, by the class that their entry points name: ``from leyden.strategies import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("strategies", Strategy="leyden.interfaces.strategy")
