"""Commands: subcommands of ``leyden``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from typing import ClassVar


class Command(ABC):
    """One subcommand. Its entry point in ``leyden.commands`` bears its name; nothing of it is imported before it runs,
    except by ``leyden --help``, which shows its help line.

    Attributes:
        help: one line for ``leyden --help``.
    """

    help: ClassVar[str] = ""

    @abstractmethod
    def configure(self, parser: ArgumentParser) -> None:
        """Add the command's arguments."""

    @abstractmethod
    def run(self, arguments: Namespace) -> int:
        """Do the work and return the exit status."""
