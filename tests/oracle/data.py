"""Data whose samples can be told apart: the first feature of sample ``i`` is ``i / 16``."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

WIDTH = 4
SCALE = 16.0


def samples(count: int, start: int = 0) -> Tensor:
    """Samples ``start`` to ``start + count - 1``, float32 ``[count, 4]``."""
    index = torch.arange(start, start + count, dtype=torch.float32)
    return torch.stack([index / SCALE, torch.sin(index), torch.cos(index), torch.ones(count)], dim=1)


def identify(batch: Tensor) -> list[int]:
    """Which samples stand in ``batch``."""
    return [int(first) for first in (batch[:, 0].detach().float() * SCALE).round()]


def loader(batches: int, start: int = 0, extra: int = 0, shuffle: bool = False) -> DataLoader:
    """``batches`` batches of two samples, and a smaller last one when ``extra`` is 1."""
    data = samples(2 * batches + extra, start)
    return DataLoader(data, batch_size=2, shuffle=shuffle)  # type: ignore[arg-type]


class Stream(IterableDataset):
    """Samples without a length."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[Tensor]:
        return iter(samples(self.count))


def stream(batches: int) -> DataLoader:
    """``batches`` batches of two samples, of a loader that does not know how many there are."""
    return DataLoader(Stream(2 * batches), batch_size=2)
