"""What ``help(Trainer)`` and ``inspect.signature(Trainer)`` show: every installed keyword and its owner."""

from __future__ import annotations

import inspect
from typing import Any

from leyden.api.keywords import KEYWORDS
from leyden.plugins.catalogue import OPTIONS, catalogue
from leyden.plugins.errors import PluginError


def parameters() -> list[inspect.Parameter]:
    """One keyword-only parameter for each keyword, the Trainer's own first."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        inspect.Parameter(name, keyword, default=one.default, annotation=one.annotation)
        for name, one in KEYWORDS.items()
    ]
    return own + [
        inspect.Parameter(name, keyword, default=option.default, annotation=option.annotation)
        for name, option, _ in options()
    ]


def options() -> list[tuple[str, Any, str]]:
    """The installed options that load: keyword, option class, and distribution with version."""
    found = []
    for entry in catalogue().group(OPTIONS):
        try:
            found.append((entry.name, entry.load(), entry.origin))
        except PluginError:
            continue  # `leyden plugins list` shows it as broken; a signature has no place for it
    return found


def documentation() -> str:
    """The keywords as the lines of a docstring."""
    lines = ["", "Keywords of the Trainer itself:"]
    lines += [
        f"    {name} (default {one.default!r}): {one.doc}; {one.allowed}." for name, one in KEYWORDS.items()
    ]
    lines += ["", "Keywords of installed plugins:"]
    lines += [
        f"    {name} (default {one.default!r}): {one.doc} [{origin}]" for name, one, origin in options()
    ]
    return "\n".join(lines)
