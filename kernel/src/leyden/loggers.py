"""The installed loggers, by the class that their entry points name: ``from leyden.loggers import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.api.logger import Logger as Logger

__getattr__, __dir__ = view("loggers", Logger="leyden.api.logger")
