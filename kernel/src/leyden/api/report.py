"""Metrics as a table of text."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def table(results: Sequence[dict[str, float]], title: str) -> str:
    """The metrics of each loader, one column a loader."""
    names = sorted({_bare(name) for one in results for name in one})
    head = [f"{title} metric", *(f"loader {i}" if len(results) > 1 else "value" for i in range(len(results)))]
    rows = [[name, *(_value(one, name) for one in results)] for name in names]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = _rule() * (sum(widths) + 3 * len(widths) - 1)
    body = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join([line, f" {body[0]}", line, *(f" {one}" for one in body[1:]), line])


def _rule() -> str:
    """A character for lines that standard output can encode."""
    try:
        "─".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "-"
    return "─"


def _bare(name: str) -> str:
    return name.partition("/dataloader_idx_")[0]


def _value(metrics: dict[str, float], name: str) -> str:
    found = next((value for key, value in metrics.items() if _bare(key) == name), None)
    return "" if found is None else f"{found:.6g}"
