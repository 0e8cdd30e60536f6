"""Migrations: checkpoints of older formats, brought up to date."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Migration(ABC):
    """Knows one older format of checkpoints. The entry point in ``leyden.migrations`` names the class.

    It is made without arguments, and asked for every checkpoint that is read once it is installed, so it must leave
    alone what it does not know.
    """

    def names(self) -> AbstractContextManager[object]:
        """A context, entered while the file is read, in which classes that old files name are known."""
        return nullcontext()

    @abstractmethod
    def migrate(self, content: dict[str, Any], path: Any) -> dict[str, Any]:
        """A checkpoint's content in the present format; it may be changed in place.

        Args:
            content: what was read.
            path: where it was read from, for messages.
        """
