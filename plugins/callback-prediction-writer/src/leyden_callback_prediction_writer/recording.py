"""Which samples a batch is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from leyden.api.resumable import ResumableLoader, indexed, with_attribute


class RecordingSampler:
    """A batch sampler that remembers the indices of batches that were not asked for yet.

    A loader with workers draws some batches ahead; batches come in the order in which they are drawn.

    Args:
        batches: the loader's batch sampler.

    Attributes:
        drawn: indices of the batches to come, the next one first.
    """

    def __init__(self, batches: Any) -> None:
        self.batches = batches
        self.drawn: deque[list[Any]] = deque()

    def __iter__(self) -> Iterator[Any]:
        self.drawn.clear()
        for batch in self.batches:
            indices = list(batch)
            self.drawn.append(indices)
            yield indices

    def __len__(self) -> int:
        return len(self.batches)

    def __getattr__(self, name: str) -> Any:
        if name == "batches":
            raise AttributeError(name)
        return getattr(self.batches, name)


class Recording:
    """Records the indices of one loader's batches while it lasts; the user's loader is not touched.

    Args:
        source: the loader as a run keeps it. Indices are known of a map-style DataLoader with a batch sampler.
    """

    def __init__(self, source: Any) -> None:
        self.source = source
        self.sampler: RecordingSampler | None = None
        if isinstance(source, ResumableLoader) and indexed(source.loader):
            self.original = source.loader
            if self.original.batch_sampler is not None:
                self.sampler = RecordingSampler(self.original.batch_sampler)
                source.loader = with_attribute(self.original, "batch_sampler", self.sampler)

    def take(self) -> list[Any]:
        """The indices of the batch that came last; none where they are not known."""
        return self.sampler.drawn.popleft() if self.sampler is not None else []

    def end(self) -> None:
        """Give the run its loader back."""
        if self.sampler is not None:
            self.source.loader = self.original
