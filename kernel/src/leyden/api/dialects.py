"""Where dialects are asked: see :class:`leyden.interfaces.dialect.Dialect`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from leyden.api.unnamed import instance_of, working
from leyden.interfaces.dialect import Dialect
from leyden.plugins.catalogue import DIALECTS, catalogue

P = ParamSpec("P")
R = TypeVar("R")


def ask(question: str, *args: Any) -> Any:
    """The first answer of an installed dialect that is not ``None``."""
    for dialect in working(catalogue().group(DIALECTS), "creation", instance_of(Dialect)):
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
