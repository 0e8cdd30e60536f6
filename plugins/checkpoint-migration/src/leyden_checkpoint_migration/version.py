"""Releases of Lightning."""

from __future__ import annotations

import re
from typing import Any

FORMAT = "2.0.0"
"""The release whose format the result has."""

Release = tuple[int, int, int]


def release(text: Any) -> Release:
    """``"1.9.0rc1"`` as ``(1, 9, 0)``; what is no version counts as the first of all."""
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", str(text))
    if numbers is None:
        return (0, 0, 0)
    major, minor, patch = (int(one or 0) for one in numbers.groups())
    return major, minor, patch
