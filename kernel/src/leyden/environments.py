"""The installed environments, by the class that their entry points name: ``from leyden.environments import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._views import view

if TYPE_CHECKING:
    from leyden.interfaces.environment import ClusterEnvironment as ClusterEnvironment

__getattr__, __dir__ = view("environments", ClusterEnvironment="leyden.interfaces.environment")
