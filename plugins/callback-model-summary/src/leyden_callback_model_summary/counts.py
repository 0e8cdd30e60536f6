"""Counts as people read them."""

from __future__ import annotations

UNITS = (" ", "K", "M", "B", "T")


def human_readable_count(number: int) -> str:
    """A count with a unit: ``123  ``, ``1.2 K``, ``2.0 M``, ``400 T``, ``5,000 T``.

    Args:
        number: the count, 0 or more.

    Raises:
        ValueError: the count is negative.
    """
    if number < 0:
        raise ValueError(f"A count is 0 or more, and this is {number}.")
    group = min((len(str(int(number))) - 1) // 3, len(UNITS) - 1)
    value = number / 1000**group
    return f"{value:,.1f} {UNITS[group]}" if group and value < 100 else f"{int(value):,d} {UNITS[group]}"


def megabytes(size: float) -> str:
    """A size in megabytes with three decimals."""
    return f"{size:,.3f}"
