"""What ``--help`` and errors say about the Trainer's keywords: the words of those who own them."""

from __future__ import annotations

from typing import Any

from leyden.api.keywords import KEYWORDS
from leyden.api.signature import options


def document(parser: Any, key: str) -> None:
    """Give the arguments below a key the documentation of the Trainer's keywords, each with its distribution."""
    texts = {name: f"{one.doc}: {one.allowed}" for name, one in KEYWORDS.items()}
    texts.update({name: f"{one.doc} [{origin}]" for name, one, origin in options()})
    for action in parser._actions:
        start, _, name = action.dest.rpartition(".")
        if start == key and name in texts and not action.help:
            action.help = texts[name].replace("%", "%%")


def allowed(name: str) -> str:
    """What a keyword may be, in words; empty for names that are no keyword."""
    if name in KEYWORDS:
        return KEYWORDS[name].allowed
    for keyword, option, _ in options():
        if keyword == name:
            words = getattr(option, "allowed", "")
            return words or getattr(option.annotation, "__name__", str(option.annotation)).replace("typing.", "")
    return ""


def without_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """The keywords that differ from their defaults: a Trainer tells what was asked for from what was not."""
    defaults = {name: one.default for name, one in KEYWORDS.items()}
    defaults.update({name: one.default for name, one, _ in options()})
    return {
        name: one
        for name, one in config.items()
        if name not in defaults or type(one) is not type(defaults[name]) or one != defaults[name]
    }
