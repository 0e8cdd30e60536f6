"""The installed checkpoint_ios, by the class that their entry points name: ``from leyden.checkpoint_ios import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.checkpoint_io import CheckpointIO as CheckpointIO

__getattr__, __dir__ = view("checkpoint_ios", CheckpointIO="leyden.interfaces.checkpoint_io")
