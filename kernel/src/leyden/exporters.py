"""The installed exporters, by the class that their entry points name: ``from leyden.exporters import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("exporters", Exporter="leyden.interfaces.exporter")
