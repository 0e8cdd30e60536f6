"""The ``leyden`` command. Its subcommands are entry points of ``leyden.commands``; only the chosen one is imported.

What plugins offer beside it is imported when it is named: ``from leyden.cli import LightningCLI``.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from leyden.api._views import view
from leyden.cli.app import main

__all__ = ["main"]

_offered, __dir__ = view("cli", main="leyden.cli.app")


def __getattr__(name: str) -> Any:
    if find_spec(f"{__name__}.{name}") is not None:
        raise AttributeError(name)  # a module of this package: the import that asks goes on to import it
    return _offered(name)
