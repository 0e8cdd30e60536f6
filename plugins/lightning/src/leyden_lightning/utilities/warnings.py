"""Warnings about what may be a mistake."""

from __future__ import annotations

import warnings

from leyden.api.warn import LeydenWarning

PossibleUserWarning = LeydenWarning


def disable_possible_user_warnings(module: str = "") -> None:
    """Silence them.

    Args:
        module: only those that come from modules matching this pattern.
    """
    warnings.filterwarnings("ignore", module=module, category=PossibleUserWarning)
