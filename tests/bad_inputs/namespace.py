"""A package that offers Lightning's names, and the witness of what its Trainer did."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

_SUBMODULES = ("callbacks", "loggers", "plugins", "strategies", "profilers", "utilities", "errors", "tuner")


@dataclass
class Witness:
    """What happened before an error: was the Trainer built, and how many steps of the module began."""

    built: bool = False
    steps: int = 0

    def step(self) -> None:
        """Note that a step of the user's module began."""
        self.steps += 1

    def reset(self) -> None:
        """Forget everything."""
        self.built, self.steps = False, 0


@dataclass(frozen=True)
class Namespace:
    """A package by name; its public names are attributes (``ns.Trainer``, ``ns.callbacks.EarlyStopping``)."""

    name: str
    root: Any
    witness: Witness = field(default_factory=Witness, compare=False)

    def __getattr__(self, name: str) -> Any:
        if name in _SUBMODULES:
            return importlib.import_module(f"{self.name}.{name}")
        return getattr(self.root, name)

    @cached_property
    def keywords(self) -> frozenset[str]:
        """The keywords that the package's Trainer takes."""
        return frozenset(inspect.signature(self.Trainer).parameters)

    def has(self, dotted: str) -> bool:
        """Whether the package offers a public name such as ``callbacks.Timer``, or ``Trainer(profiler)``."""
        if dotted.startswith("Trainer("):
            return dotted[len("Trainer(") : -1] in self.keywords
        found: Any = self
        try:
            for part in dotted.split("."):
                found = getattr(found, part)
        except (AttributeError, ImportError):
            return False
        return True


@cache
def load(name: str) -> Namespace:
    """The namespace of an installed package.

    Raises:
        ImportError: the package is not installed.
    """
    return Namespace(name, importlib.import_module(name))


Method = Callable[..., Any]
