"""The installed precisions, by the class that their entry points name: ``from leyden.precisions import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.precision import Precision as Precision

__getattr__, __dir__ = view("precisions", Precision="leyden.interfaces.precision")
