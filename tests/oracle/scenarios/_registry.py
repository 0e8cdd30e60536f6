"""Where scenarios are kept by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from tests.oracle.bench import Bench, Result, run
from tests.oracle.namespace import Namespace

Program = Callable[[Bench], None]


@dataclass(frozen=True)
class Scenario:
    """A program that runs in any package with Lightning's names.

    Attributes:
        program: What it does.
        needs: A package that it imports besides, if any.
    """

    program: Program
    needs: str | None = None

    def __call__(self, ns: Namespace, root: Path) -> Result:
        """Run in package ``ns`` and directory ``root``; returns what was observed."""
        return run(ns, root, self.program)


SCENARIOS: dict[str, Scenario] = {}


@overload
def scenario(program: Program) -> Program: ...
@overload
def scenario(*, needs: str) -> Callable[[Program], Program]: ...
def scenario(
    program: Program | None = None, *, needs: str | None = None
) -> Program | Callable[[Program], Program]:
    """Register a program under its own name.

    Raises:
        ValueError: the name is taken.
    """

    def register(program: Program) -> Program:
        name = program.__name__
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name!r}")
        SCENARIOS[name] = Scenario(program, needs)
        return program

    return register if program is None else register(program)
