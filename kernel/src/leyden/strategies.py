"""The installed strategies, by the class that their entry points name: ``from leyden.strategies import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.strategy import Strategy as Strategy

__getattr__, __dir__ = view("strategies", Strategy="leyden.interfaces.strategy")
