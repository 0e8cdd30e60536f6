"""The installed precisions, by the class that their entry points name: ``from leyden.precisions import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("precisions", Precision="leyden.interfaces.precision")
