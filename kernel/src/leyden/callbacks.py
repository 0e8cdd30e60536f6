"""The installed callbacks, by the class that their entry points name: ``from leyden.callbacks import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.api.callback import Callback as Callback
    from leyden.api.callback import Checkpoint as Checkpoint

__getattr__, __dir__ = view("callbacks", Callback="leyden.api.callback", Checkpoint="leyden.api.callback")
