"""What is installed, as Lightning's registries show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from leyden.plugins.catalogue import PREFIX, catalogue
from leyden.plugins.components import resolve


class Registry:
    """Names of the installed components of a family.

    Args:
        family: the family.
    """

    def __init__(self, family: str) -> None:
        self.family = family

    def available_accelerators(self) -> set[str]:
        """The names."""
        return set(self)

    def available_strategies(self) -> list[str]:
        """The names, sorted."""
        return sorted(self)

    def get(self, name: str, default: Any = None) -> Any:
        """A new component of a name; the default where there is none, or an error without one."""
        if name not in self and default is not None:
            return default
        return resolve(self.family, name)()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({entry.name for entry in catalogue().group(PREFIX + self.family)}))

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def __len__(self) -> int:
        return len(set(self))

    def __getitem__(self, name: str) -> Any:
        return resolve(self.family, name)

    def __repr__(self) -> str:
        return f"Registered {self.family}: {', '.join(self)}"


AcceleratorRegistry = Registry("accelerators")
StrategyRegistry = Registry("strategies")
