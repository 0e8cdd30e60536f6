"""Warnings with an id, so that each can be silenced by name."""

from __future__ import annotations

import os
import warnings


class LeydenWarning(UserWarning):
    """A warning of Leyden. Its text begins with ``[id]``."""


class LeydenRuntimeWarning(LeydenWarning, RuntimeWarning):
    """A warning on what the run does with an optimizer or a scheduler."""


class LeydenDeprecationWarning(LeydenWarning, DeprecationWarning):
    """A note that a spelling still works and has a modern form."""


def warn(
    identifier: str, text: str, category: type[LeydenWarning] = LeydenWarning, stacklevel: int = 3
) -> None:
    """Warn, unless the id stands in the environment variable ``LEYDEN_SILENCE`` (comma-separated; ``all``).

    Args:
        identifier: kebab-case name of the warning.
        text: what happens and what to do about it.
        category: the warning's class.
        stacklevel: as for :func:`warnings.warn`.
    """
    silenced = os.environ.get("LEYDEN_SILENCE", "").split(",")
    if identifier not in silenced and "all" not in silenced:
        warnings.warn(f"[{identifier}] {text}", category, stacklevel=stacklevel)
