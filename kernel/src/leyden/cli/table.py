"""Rows for people (aligned, coloured) and for programs (tab-separated)."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

RESET, BOLD = "\x1b[0m", "\x1b[1m"
INDENT = "    "
COLOURS = {
    "found": "\x1b[32m",
    "loaded": "\x1b[32m",
    "ok": "\x1b[32m",
    "blocked": "\x1b[33m",
    "incompatible": "\x1b[31m",
    "broken": "\x1b[31m",
}
"""Colours of cells by their text."""


def write(
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO | None = None, *, prose: bool = False
) -> None:
    """Write rows: as a table with a header where a person looks, else one line a row with tabs and no header.

    Args:
        header: the names of the columns.
        rows: the cells.
        stream: where to; stdout by default.
        prose: whether the last column holds sentences, which stand below their rows in a narrow terminal.
    """
    out = stream or sys.stdout
    colours = COLOURS if coloured(out) else {}
    lines: Iterable[str] = table(header, rows, colours) if out.isatty() else map("\t".join, rows)
    width = shutil.get_terminal_size().columns
    if out.isatty() and prose and max(map(len, table(header, rows, {}))) > width:
        lines = sentences_below(header, rows, colours, width)
    for line in lines:
        print(line, file=out)


def sentences_below(
    header: Sequence[str], rows: Sequence[Sequence[str]], colours: Mapping[str, str], width: int
) -> Iterator[str]:
    """The lines of a table whose last column stands below the others, indented."""
    heading, *lines = table(header[:-1], [row[:-1] for row in rows], colours)
    yield heading
    for line, row in zip(lines, rows, strict=True):
        yield line
        yield from textwrap.wrap(
            row[-1], width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
        )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], colours: Mapping[str, str]) -> list[str]:
    """The lines of a table whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    heading = "  ".join(f"{one:<{width}}" for one, width in zip(header, widths, strict=True)).rstrip()
    lines = [
        "  ".join(_cell(one, width, colours) for one, width in zip(row, widths, strict=True)) for row in rows
    ]
    return [f"{BOLD}{heading}{RESET}" if colours else heading, *(line.rstrip() for line in lines)]


def _cell(text: str, width: int, colours: Mapping[str, str]) -> str:
    padded = f"{text:<{width}}"
    return f"{colours[text]}{padded}{RESET}" if text in colours else padded


def coloured(stream: TextIO) -> bool:
    """Whether a stream shows colours: a terminal, and neither ``NO_COLOR`` nor ``TERM=dumb`` says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
