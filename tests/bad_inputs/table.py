"""A table of Trainer arguments: the bad and some good values of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Any, Literal

from .case import Case, Control, Program, reason, shown
from .namespace import Namespace
from .tiny import fit, loader, module, trainer

# What no count can be; -1 and 0 mean different things for each, so they stand in the table.
# Numbers are odd on purpose: an error text that holds 17 holds it because it names the value.
NOT_A_COUNT: Mapping[str, Any] = {
    "fraction": 2.75,
    "bool": True,
    "numeric text": "17",
    "nan": nan,
}
# A flag takes True or False; 0 and 1 are left alone.
NOT_A_FLAG: Mapping[str, Any] = {"text": "no"}
NOT_A_LIMIT: Mapping[str, Any] = {
    "negative": -7,
    "negative fraction": -0.75,
    "more than all": 2.75,
    "word": "half",
    "nan": nan,
    "bool": True,
    "list": [17],
    "too small": 0.01,
}


_NEEDS_DATA = ("too small", "more than the epoch")
Reach = Literal["build", "fit", "test", "predict"]


def _test(ns: Namespace, folder: Path, **arguments: Any) -> None:
    trainer(ns, folder, **arguments).test(module(ns), loader())


def _predict(ns: Namespace, folder: Path, **arguments: Any) -> None:
    trainer(ns, folder, **arguments).predict(module(ns), loader())


_REACHING: Mapping[Reach, Callable[..., Any]] = {
    "build": trainer,
    "fit": fit,
    "test": _test,
    "predict": _predict,
}


@dataclass(frozen=True)
class Row:
    """The bad and some good values of one argument."""

    argument: str
    bad: Mapping[str, Any]
    good: tuple[Any, ...]
    reach: Reach = "fit"
    also: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The keyword, which a plugin may own."""
        return (f"Trainer({self.argument})",)

    def program(self, value: Any) -> Program:
        """Build a Trainer with the value, and run unless that could start processes."""
        arguments = {**self.also, self.argument: value}
        call = _REACHING[self.reach]

        def program(ns: Namespace, folder: Path) -> None:
            call(ns, folder, **arguments)

        return program

    def cases(self) -> Iterator[Case]:
        """One case a bad value."""
        for label, value in self.bad.items():
            yield Case(
                id=f"trainer/{self.argument}/{label}",
                program=self.program(value),
                names=(self.argument, *shown(value)),
                when="before_first_step" if label in _NEEDS_DATA else "construction",
                why=self.why or reason(label),
                needs=self.needs,
            )

    def controls(self) -> Iterator[Control]:
        """One control a good value."""
        for value in self.good:
            yield Control(f"trainer/{self.argument}/{value!r}", self.program(value), self.needs)


def count(argument: str, good: tuple[Any, ...], bad: Mapping[str, Any], **rest: Any) -> Row:
    """An argument that counts something."""
    return Row(argument, {**NOT_A_COUNT, **bad}, good, **rest)


def flag(argument: str, good: tuple[Any, ...] = (True, False), **bad: Any) -> Row:
    """An argument that is on or off."""
    return Row(
        argument,
        {**NOT_A_FLAG, **bad},
        good,
        why="only its truth value counts, so 'no' and [False] switch it on",
    )


def limit(argument: str, reach: Reach, *labels: str) -> Row:
    """An argument that is a number or a fraction of the batches."""
    bad = {label: NOT_A_LIMIT[label] for label in labels or NOT_A_LIMIT}
    return Row(argument, bad, (1, 0.5, 0, 1.0), reach)
