"""The installed checkpoint_ios, by the class that their entry points name: ``from leyden.checkpoint_ios import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("checkpoint_ios", CheckpointIO="leyden.interfaces.checkpoint_io")
