"""What :class:`~leyden_cli.cli.LightningCLI` asks of errors, arguments and functions."""

from __future__ import annotations

import inspect
from typing import Any

import docstring_parser

from leyden.errors import LeydenError


def leyden_error(error: BaseException | None) -> LeydenError | None:
    """The error of Leyden's that jsonargparse made another one of."""
    while error is not None and not isinstance(error, LeydenError):
        error = error.__cause__ or error.__context__
    return error


def as_list(given: Any) -> list[Any]:
    """A list of what is one, several or none."""
    return [] if given is None else list(given) if isinstance(given, list | tuple) else [given]


def returned(value: Any) -> type:
    """The class that a function is annotated to return; a class itself."""
    found: type = (
        value if isinstance(value, type) else inspect.get_annotations(value, eval_str=True)["return"]
    )
    return found


def first_line(function: Any) -> str | None:
    """The first line of a docstring; ``None`` where there is none."""
    return docstring_parser.parse(function.__doc__).short_description if function.__doc__ else None
