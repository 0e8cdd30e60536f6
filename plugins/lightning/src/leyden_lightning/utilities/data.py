"""Loaders and batches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeGuard

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from leyden.errors import ConfigurationError
from leyden_lightning.utilities.rank_zero import rank_zero_warn


def extract_batch_size(batch: Any) -> int:
    """The number of samples in a batch: the first dimension of its tensors.

    Raises:
        leyden.errors.ConfigurationError: no tensor or string is in it.
    """
    sizes = _sizes(batch)
    found = next(sizes, None)
    if found is None:
        raise ConfigurationError(
            "No batch size can be found in this batch. Pass it: self.log(..., batch_size=batch_size)."
        )
    if any(one != found for one in sizes):
        rank_zero_warn(
            f"The batch holds tensors of several sizes; {found} is taken as the batch size. "
            "Pass it to be sure: self.log(..., batch_size=batch_size)."
        )
    return found


def _sizes(batch: Any) -> Iterator[int]:
    if isinstance(batch, Tensor):
        yield 1 if batch.ndim == 0 else batch.size(0)
    elif isinstance(batch, Iterable | Mapping) and not isinstance(batch, str):
        for one in batch.values() if isinstance(batch, Mapping) else batch:
            yield from _sizes(one)
    elif hasattr(batch, "__dataclass_fields__"):
        for name in batch.__dataclass_fields__:
            yield from _sizes(getattr(batch, name))


def has_iterable_dataset(dataloader: object) -> bool:
    """Whether a loader's dataset is an ``IterableDataset``."""
    return isinstance(getattr(dataloader, "dataset", None), IterableDataset)


def sized_len(dataloader: object) -> int | None:
    """The length of a loader, ``None`` where it has none."""
    try:
        return len(dataloader)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None


def has_len(dataloader: object) -> bool:
    """Whether a loader has a length; warns when it is zero."""
    length = sized_len(dataloader)
    if length == 0:
        rank_zero_warn(
            f"`{type(dataloader).__name__}` returned 0 length. Please make sure this was your intention."
        )
    return length is not None


def has_len_all_ranks(
    dataloader: object, strategy: Any, allow_zero_length_dataloader_with_multiple_devices: bool = False
) -> TypeGuard[Any]:
    """Whether a loader has a length on every rank.

    Raises:
        RuntimeError: it is empty on some ranks alone, which is not allowed.
    """
    local = sized_len(dataloader)
    if local is None:
        return False
    total = strategy.reduce(torch.tensor(local, device=strategy.root_device), reduce_op="sum")
    if total == 0:
        rank_zero_warn(f"Total length of `{type(dataloader).__name__}` across ranks is zero.")
    elif local == 0 and not allow_zero_length_dataloader_with_multiple_devices:
        raise RuntimeError(
            f"`{type(dataloader).__name__}` within local rank has zero length: this rank would wait for the others."
        )
    return True


def suggested_max_num_workers(local_world_size: int) -> int:
    """Loader workers for each process on this machine.

    Raises:
        ValueError: there is no process.
    """
    if local_world_size < 1:
        raise ValueError(f"`local_world_size` should be >= 1, got {local_world_size}.")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, available // local_world_size - 1)


def _is_dataloader_shuffled(dataloader: object) -> bool:
    """Whether a loader draws its samples in random order."""
    from torch.utils.data import RandomSampler

    sampler = getattr(dataloader, "sampler", None)
    return isinstance(dataloader, DataLoader) and isinstance(sampler, RandomSampler)


def _num_cpus_available() -> int:
    return suggested_max_num_workers(1) + 1
