"""Samplers that give each process its share without repeating a sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DistributedSampler, Sampler

from leyden_lightning.utilities.distributed import _Indexed


class UnrepeatedDistributedSampler(DistributedSampler[Any]):
    """``DistributedSampler`` whose shares may differ by one sample in size; none is repeated to make them equal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.num_samples = len(range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]
        self.total_size = len(self.dataset)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        indices = list(range(self.total_size))
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed + self.epoch)
            indices = torch.randperm(self.total_size, generator=generator).tolist()
        return iter(indices[self.rank : self.total_size : self.num_replicas])


class UnrepeatedDistributedSamplerWrapper(UnrepeatedDistributedSampler):
    """The same around another sampler."""

    def __init__(self, sampler: Sampler[Any] | Iterable[Any], *args: Any, **kwargs: Any) -> None:
        self._indexed = _Indexed(sampler)
        super().__init__(self._indexed, *args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        self._indexed.reset()
        return (self._indexed[index] for index in super().__iter__())
