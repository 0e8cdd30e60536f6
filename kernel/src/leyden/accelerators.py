"""The installed accelerators, by the class that their entry points name: ``from leyden.accelerators import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.accelerator import Accelerator as Accelerator

__getattr__, __dir__ = view("accelerators", Accelerator="leyden.interfaces.accelerator")
