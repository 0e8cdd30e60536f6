"""The ``leyden`` command. Its subcommands are entry points of ``leyden.commands``; only the chosen one is imported."""

from __future__ import annotations

from leyden.cli.app import main

__all__ = ["main"]
