"""The installed environments, by the class that their entry points name: ``from leyden.environments import …``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("environments", ClusterEnvironment="leyden.interfaces.environment")
