"""The installed exporters, by the class that their entry points name: ``from leyden.exporters import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.exporter import Exporter as Exporter

__getattr__, __dir__ = view("exporters", Exporter="leyden.interfaces.exporter")
