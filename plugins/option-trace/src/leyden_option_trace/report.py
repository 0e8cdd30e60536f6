"""A table, a Chrome trace and a picture of what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leyden_option_trace.tracer import Cost

_HEADS = ("whose", "hook or phase", "calls", "own ms", "total ms", "own µs/call", "share", "distribution")
_LOOP = "(loop)"
_BARS = 14
_LETTER = 0.011
"""The width of a letter within a bar, as a part of the longest bar."""


def table(costs: Sequence[Cost], whole: int) -> str:
    """One row for each owner and hook, by their own time.

    Args:
        costs: what was measured, sorted.
        whole: how long the run took, in ns.
    """
    rows = [_HEADS, *(_row(one, whole) for one in costs)]
    rest = whole - sum(one.own for one in costs)
    rows.append(("(not measured)", "", "", f"{rest / 1e6:.3f}", "", "", f"{100 * rest / whole:.1f} %", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if 2 <= column <= 6 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    rule = "─" * max(map(len, lines))
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def _row(cost: Cost, whole: int) -> tuple[str, ...]:
    return (
        cost.owner or _LOOP,
        cost.name,
        str(cost.calls),
        f"{cost.own / 1e6:.3f}",
        f"{cost.total / 1e6:.3f}",
        f"{cost.own / cost.calls / 1e3:.1f}",
        f"{100 * cost.own / whole:.1f} %",
        cost.origin,
    )


def chrome(path: Path, events: Iterable[tuple[Cost, int, int]], rank: int) -> None:
    """Write complete events of Chrome's trace event format; Perfetto and chrome://tracing open it.

    Args:
        path: the file.
        events: what ran, from when to when, in ns.
        rank: the process.
    """
    written = [
        {
            "name": f"{one.owner}.{one.name}" if one.owner else one.name,
            "cat": one.owner.partition("]")[0].strip("[") or "loop",
            "ph": "X",
            "ts": began / 1e3,
            "dur": (ended - began) / 1e3,
            "pid": rank,
            "tid": 0,
        }
        for one, began, ended in events
    ]
    path.write_text(json.dumps({"traceEvents": written, "displayTimeUnit": "ms"}), encoding="utf-8")


def picture(path: Path, costs: Sequence[Cost], whole: int) -> None:
    """Draw the own time of each owner as a bar, divided by hook; everything beyond the longest bars is one more."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    owners: dict[str, list[Cost]] = {}
    for one in costs:
        owners.setdefault(one.owner or _LOOP, []).append(one)
    longest = sorted(owners, key=lambda owner: -sum(one.own for one in owners[owner]))
    shown, others = longest[:_BARS], longest[_BARS:]
    figure = Figure(figsize=(10, 1.2 + 0.38 * (len(shown) + bool(others))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    widest = max((sum(one.own for one in owners[owner]) for owner in shown), default=0) / 1e6
    for position, owner in enumerate(shown):
        left = 0.0
        for shade, one in enumerate(owners[owner]):
            width = one.own / 1e6
            axes.barh(position, width, left=left, color=f"C{shade % 10}", edgecolor="white", linewidth=0.5)
            if width > _LETTER * len(one.name) * widest:
                axes.text(left + width / 2, position, one.name, ha="center", va="center", fontsize=7)
            left += width
    labels = list(shown)
    if others:
        rest = sum(one.own for owner in others for one in owners[owner]) / 1e6
        axes.barh(len(shown), rest, color="0.7")
        labels.append(f"{len(others)} others")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(f"own time in ms, of {whole / 1e6:.1f}")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
