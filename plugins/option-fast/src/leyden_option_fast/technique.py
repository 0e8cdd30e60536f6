"""What all that makes a fit faster has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from leyden.api.rank_zero import rank_zero_info


class Technique(ABC):
    """One way to make a fit faster, which can be turned on and off between two batches.

    Attributes:
        name: what users write.
        part: what it makes faster: ``"gradients"`` (forward and backward), ``"update"`` (the optimizer's step) or
            ``"data"``.
    """

    name: ClassVar[str]
    part: ClassVar[str]

    @abstractmethod
    def obstacle(self, trainer: Any, module: Any) -> str | None:
        """Why it is not possible in this fit; ``None`` when it is."""

    @abstractmethod
    def begin(self, trainer: Any, module: Any) -> None:
        """Turn it on."""

    @abstractmethod
    def end(self) -> None:
        """Turn it off; nothing is left of it."""

    def switch(self, on: bool) -> None:
        """Between :meth:`begin` and :meth:`end`: leave it out for a batch, or go on with it, to measure it."""
        raise NotImplementedError

    def saving(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint is about to be written; it must load where nothing is made faster."""

    def start_epoch(self) -> None:
        """A training epoch begins, perhaps with other loaders."""

    def report(self) -> str | None:
        """What is worth knowing when the fit is over."""
        return None


def say(text: str) -> None:
    """Tell the user what ``fast`` does."""
    rank_zero_info(f"fast: {text}")
