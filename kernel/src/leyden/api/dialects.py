"""Where dialects are asked: see :class:`leyden.interfaces.dialect.Dialect`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from leyden.api.warn import warn
from leyden.plugins.catalogue import DIALECTS, catalogue
from leyden.plugins.errors import PluginBrokenError

P = ParamSpec("P")
R = TypeVar("R")


def ask(question: str, *args: Any) -> Any:
    """The first answer of an installed dialect that is not ``None``."""
    found = catalogue()
    for entry in found.group(DIALECTS):
        if entry.refusal is None and entry.incompatibility is None:
            try:
                dialect = entry.load()()
            except PluginBrokenError as error:
                if found.selection.strict:
                    raise
                warn("plugin-broken", f"{error} The run goes on without it.")
                continue
            answer = getattr(dialect, question)(*args)
            if answer is not None:
                return answer
    return None


def member(owner: type, target: Any, name: str) -> Any:
    """An attribute that a class does not have, from a dialect.

    Raises:
        AttributeError: no dialect has it either.
    """
    found = None if name.startswith("_") else ask("member", owner, target, name)
    if found is None:
        raise AttributeError(f"{owner.__name__!r} object has no attribute {name!r}", name=name, obj=target)
    return found()


def understanding(method: Callable[P, R]) -> Callable[P, R]:
    """Let dialects translate keywords that a method does not have."""
    known = frozenset(inspect.signature(method).parameters)

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not known.issuperset(kwargs):
            translated = ask("arguments", args[0], method.__name__, dict(kwargs))
            kwargs = kwargs if translated is None else translated
        return method(*args, **kwargs)

    return call
