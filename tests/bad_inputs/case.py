"""A case: one program with one thing wrong in it, and what its error must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from .namespace import Namespace

When = Literal["construction", "before_first_step", "at_step"]
Program = Callable[[Namespace, Path], None]


@dataclass(frozen=True)
class Case:
    """A program that must be refused.

    Attributes:
        id: slash-separated, unique; the first part is the kind of input.
        program: runs the bad input against a namespace, in a folder of its own.
        names: what the text of the error must contain: the argument or hook first, then the value where it
            can be shown.
        when: how early the error must come. ``construction``: before ``fit`` and the like are called;
            ``before_first_step``: before any step of the user's module ran; ``at_step``: only for what nobody
            can know before a step has run.
        why: what goes wrong where the input is accepted; every case that Lightning accepts has one.
        raises: types that are as good as a deliberate error, because the user's own code raises them.
        needs: public names, relative to the namespace, without which the program says nothing: classes
            (``callbacks.Timer``) and keywords (``Trainer(profiler)``).
    """

    id: str
    program: Program
    names: tuple[str, ...]
    when: When = "before_first_step"
    why: str = ""
    raises: tuple[type[Exception], ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """A program of the same making with nothing wrong in it: it must run."""

    id: str
    program: Program
    needs: tuple[str, ...] = ()


_REASONS = {
    "bool": "True counts as the number 1, False as 0",
    "fraction": "a fraction of a whole thing: rounded, compared or divided by, never what was meant",
    "inf": "an infinite count never ends what it should end",
    "nan": "NaN compares false with everything, so the limit never holds",
    "negative": "a negative amount has no meaning and silently switches something off or turns it round",
    "text": "any text is true, also 'no'",
    "word": "kept until something compares it with a number, if ever",
    "numeric text": "kept until something compares it with a number, if ever",
    "list": "kept until something compares it with a number, if ever",
    "number": "only its truth value counts",
    "half": "only its truth value counts",
    "empty": "an empty container is false, which was hardly meant",
}


def reason(label: str) -> str:
    """What goes wrong when a value of this kind is accepted; empty for kinds that have no common reason."""
    return _REASONS.get(label, "")


def shown(value: Any) -> tuple[str, ...]:
    """How a text shows a value: text bare, numbers by repr, containers by their members, the rest by type."""
    if isinstance(value, str):
        return (value,) if value else ()
    if value is None or isinstance(value, (bool, int, float, complex)):
        return (repr(value),)
    if isinstance(value, (torch.dtype, torch.device)):
        return (str(value),)
    if isinstance(value, (list, tuple, dict, set)):
        return _members(value)
    return (value.__name__,) if hasattr(value, "__name__") else (type(value).__name__,)


def _members(value: Any) -> tuple[str, ...]:
    if not value:
        return (repr(value),)
    return tuple(part for member in value for part in shown(member)[:1])
