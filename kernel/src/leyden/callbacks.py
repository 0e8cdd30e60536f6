"""The installed callbacks, by the class that their entry points name: ``from leyden.callbacks import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("callbacks", Callback="leyden.api.callback", Checkpoint="leyden.api.callback")
