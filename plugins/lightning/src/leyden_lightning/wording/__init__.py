"""What programs look for in the text of errors, warnings and notes, beside what Leyden says.

Programs, and tests above all, recognize an error by a piece of its text. While Lightning's names are installed,
Leyden's text is followed by the piece that is looked for, where one is known. The pieces stand in this package, by a
pattern that Leyden's text matches; a piece may take up what the pattern's groups have found.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from leyden_lightning.wording import calls, errors, notes, warnings

Known = tuple[str, str]
"""A pattern, and the piece: a template for ``re.Match.expand``."""


def worded(text: str, family: str) -> str:
    """A text with what is looked for in it.

    Args:
        text: Leyden's.
        family: ``errors``, ``warnings`` or ``notes``.
    """
    found = dict.fromkeys(match.expand(piece) for match, piece in _matching(text, family))
    return " ".join([text, *(one for one in found if one not in text)])


def _matching(text: str, family: str) -> Iterator[tuple[re.Match[str], str]]:
    for pattern, piece in _patterns(family):
        match = pattern.search(text)
        if match is not None:
            yield match, piece


@cache
def _patterns(family: str) -> list[tuple[re.Pattern[str], str]]:
    tables: dict[str, tuple[Known, ...]] = {
        "errors": (*errors.KNOWN, *calls.KNOWN),
        "warnings": warnings.KNOWN,
        "notes": notes.KNOWN,
    }
    return [(re.compile(pattern, re.DOTALL), piece) for pattern, piece in tables[family]]


def error_text(error: BaseException) -> str:
    """``__str__`` of Leyden's errors."""
    return worded(Exception.__str__(error), "errors")


def warning_text(warning: Warning) -> str:
    """``__str__`` of Leyden's warnings."""
    return worded(Exception.__str__(warning), "warnings")


class Notes(logging.Filter):
    """Stands on the logger ``leyden``."""

    def filter(self, record: Any) -> bool:
        """Add to the message; everything passes."""
        record.msg, record.args = worded(record.getMessage(), "notes"), ()
        return True
