"""Messages of jsonargparse, in the form of Leyden's: argument, value, what is allowed, remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from leyden.errors import ConfigurationError
from leyden.plugins.catalogue import OPTIONS, PREFIX, official
from leyden.plugins.components import install
from leyden.plugins.errors import did_you_mean
from leyden_cli.components import FAMILIES, short_names, subclass_names
from leyden_cli.keywords import allowed

_UNRECOGNIZED = re.compile(r"[Uu]nrecognized arguments: (?P<rest>.*)")
_KEY = re.compile(r"[Pp]arser key ['\"](?P<key>[\w.]+)['\"]")
_UNEXPECTED = re.compile(
    r"(?:Key|Option|option|Group|No action for key) ['\"](?P<key>[\w.]+)['\"]"
    r"|(?P<bare>[\w.]+)(?= is not (?:accepted|expected))"
)
_GIVEN = re.compile(r"Given value: (?P<value>.*)\s*\Z", re.DOTALL)
_CLASS = re.compile(
    r"(?:class_path['\"]?: ['\"]?|named |Import of |[Uu]nexpected import path format: |Given value: )"
    r"['\"]?(?P<name>[\w.]+)"
)


def improved(message: str, parser: Any) -> str:
    """The message, with the remedy where one is known."""
    parsers = list(_parsers(parser))
    found = _KEY.search(message)
    if found is not None:
        known = _about_keyword(found["key"], message)
        if known:
            return known
    hints = [*_spellings(message, parsers), *_classes(message)]
    return "\n".join(dict.fromkeys([message.rstrip(), *hints]))


def _about_keyword(key: str, message: str) -> str:
    """A wrong value of a Trainer keyword that is no object, as the Trainer itself says it."""
    group, _, name = key.rpartition(".")
    words, given = allowed(name), _GIVEN.search(message)
    if group.rpartition(".")[2] != "trainer" or not words or given is None or "class_path" in message:
        return ""
    value: Any = given["value"].strip()
    if name in ("logger", "callbacks", "profiler", "plugins", "accelerator", "strategy"):
        return ""
    return str(ConfigurationError.about(key, _plain(value), words))


def _plain(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _spellings(message: str, parsers: list[Any]) -> Iterator[str]:
    """The nearest names of arguments, and the distributions of keywords that are not installed."""
    found = _UNRECOGNIZED.search(message)
    names = re.findall(r"--?([\w.]+)", found["rest"]) if found else []
    names += [one["key"] or one["bare"] for one in _UNEXPECTED.finditer(message)]
    known = {
        action.dest
        for one in parsers
        for action in one._actions
        if action.dest not in ("help", "==SUPPRESS==")
    }
    for name in names:
        if name in known:
            continue
        keyword = name.rpartition(".")[2]
        owner = official().get(OPTIONS, {}).get(keyword) if "trainer" in name.split(".") else None
        near = did_you_mean(name, known)
        if not near:
            group = name.partition(".")[0]
            near = did_you_mean(
                keyword, {one.rpartition(".")[2] for one in known if one.startswith(group + ".")}
            )
        if owner:
            yield f"{name}: its plugin is not installed. {install(owner[0])}"
        elif near:
            yield near


def _classes(message: str) -> Iterator[str]:
    """The nearest classes, and the distributions of components that are not installed."""
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from leyden import Callback, LightningDataModule, LightningModule, Logger
    from leyden.interfaces.strategy import Strategy

    bases = (Callback, Logger, LightningModule, LightningDataModule, Strategy, Optimizer, LRScheduler)
    known = short_names() | subclass_names(bases)
    for found in _CLASS.finditer(message):
        name = found["name"].rpartition(".")[2]
        if name in known or not name[:1].isupper():
            continue
        owners = [
            owner
            for family in FAMILIES
            for owner, attribute in official().get(PREFIX + family, {}).values()
            if attribute == name
        ]
        if owners:
            yield f"{name} is not installed. {install(owners[0])}"
        elif near := did_you_mean(name, known):
            yield near


def _parsers(parser: Any) -> Iterator[Any]:
    yield parser
    for action in parser._actions:
        choices = getattr(action, "choices", None)
        if isinstance(choices, dict):
            for one in choices.values():
                if hasattr(one, "_actions"):
                    yield from _parsers(one)
