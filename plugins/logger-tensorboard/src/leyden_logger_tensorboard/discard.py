"""The experiment of ranks that write nothing."""

from __future__ import annotations

from typing import Any


class Discard:
    """Stands in for a ``SummaryWriter``: every method takes everything and does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._nothing

    def _nothing(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""
