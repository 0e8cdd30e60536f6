"""What ``--help`` and errors say about the Trainer's keywords: the words of those who own them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonargparse import Namespace

from leyden.api.keywords import KEYWORDS, check_keywords, validated
from leyden.api.signature import options
from leyden.plugins.components import find

_NAMED = {"strategies": "strategy", "accelerators": "accelerator", "precisions": "precision"}


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
            return _words(option)
    return ""


def check(config: Mapping[str, Any]) -> None:
    """Check the Trainer's keywords before anything is made: values by their owners, names of components by what is
    installed. Those that become objects are checked by the Trainer itself.

    Raises:
        leyden.errors.LeydenError: one is not possible; says what is allowed, and the nearest name.
    """
    given = {name: one for name, one in without_defaults(dict(config)).items() if _is_plain(one)}
    check_keywords(given)
    for family, name in _NAMED.items():
        if isinstance(given.get(name), str) and given[name] != "auto":
            find(family, given[name])
    for name, option, _ in options():
        if name in given:
            value = validated(name, given[name], option.annotation, _words(option))
            option().validate(value, given)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    return not isinstance(value, Namespace | Mapping)


def _words(option: Any) -> str:
    words: str = getattr(option, "allowed", "")
    return words or getattr(option.annotation, "__name__", str(option.annotation)).replace("typing.", "")


def without_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """The keywords that differ from their defaults: a Trainer tells what was asked for from what was not."""
    defaults = {name: one.default for name, one in KEYWORDS.items()}
    defaults.update({name: one.default for name, one, _ in options()})
    return {
        name: one
        for name, one in config.items()
        if name not in defaults or type(one) is not type(defaults[name]) or one != defaults[name]
    }
