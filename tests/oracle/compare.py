"""Is this result the golden one? Events exactly, numbers nearly; and if not, where it differs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

TOLERANCE = 1e-6
MOST_LINES = 80
NUMBERS = ("raised", "counters", "metrics", "weights", "returns", "facts", "values")


def differences(golden: dict[str, Any], actual: dict[str, Any]) -> str:
    """A readable account of how ``actual`` differs from ``golden``; empty when it does not."""
    parts = [events_diff(golden["events"], actual["events"])]
    for part in NUMBERS:
        parts.extend(_walk(golden[part], actual[part], part))
    return "\n".join(part for part in parts if part)


def events_diff(golden: list[str], actual: list[str]) -> str:
    """The unified diff of two sequences of events, shortened to its first lines."""
    lines = list(unified_diff(golden, actual, "golden", "actual", n=3, lineterm=""))
    left = len(lines) - MOST_LINES
    return "\n".join(lines[:MOST_LINES] + ([f"... and {left} more lines"] if left > 0 else []))


def _walk(golden: Any, actual: Any, where: str) -> Iterator[str]:
    if isinstance(golden, dict) and isinstance(actual, dict):
        yield from _walk_mapping(golden, actual, where)
    elif isinstance(golden, list) and isinstance(actual, list) and len(golden) == len(actual):
        for index, (left, right) in enumerate(zip(golden, actual, strict=True)):
            yield from _walk(left, right, f"{where}[{index}]")
    elif not _equal(golden, actual):
        yield f"{where}: golden {golden!r}, actual {actual!r}"


def _walk_mapping(golden: dict[str, Any], actual: dict[str, Any], where: str) -> Iterator[str]:
    for key in sorted(golden.keys() | actual.keys()):
        if key not in actual:
            yield f"{where}.{key}: missing, golden {golden[key]!r}"
        elif key not in golden:
            yield f"{where}.{key}: not in the golden result, actual {actual[key]!r}"
        else:
            yield from _walk(golden[key], actual[key], f"{where}.{key}")


def _equal(golden: Any, actual: Any) -> bool:
    if isinstance(golden, bool) or isinstance(actual, bool):
        return golden is actual
    if isinstance(golden, float) or isinstance(actual, float):
        numbers = isinstance(golden, int | float) and isinstance(actual, int | float)
        return numbers and _near(golden, actual)
    return bool(golden == actual)


def _near(golden: float, actual: float) -> bool:
    if math.isnan(golden) or math.isnan(actual):
        return math.isnan(golden) and math.isnan(actual)
    return math.isclose(golden, actual, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
