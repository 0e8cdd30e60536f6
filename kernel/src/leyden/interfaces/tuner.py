"""Tuners: search over hyper-parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar


class Tuner(ABC):
    """Runs an objective with different hyper-parameters and returns the best.

    Attributes:
        name: what users write, e.g. ``"optuna"``.
    """

    name: ClassVar[str]

    @abstractmethod
    def tune(self, objective: Callable[[dict[str, Any]], Any], space: Any, **options: Any) -> Any:
        """Search.

        Args:
            objective: trains with one set of hyper-parameters and returns the value (or values) to improve.
            space: the search space, in the engine's own words.
            options: the engine's own.
        """
