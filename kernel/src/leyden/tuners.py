"""The installed tuners, by the class that their entry points name: ``from leyden.tuners import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.tuner import Tuner as Tuner

__getattr__, __dir__ = view("tuners", Tuner="leyden.interfaces.tuner")
