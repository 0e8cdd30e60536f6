"""Why the place in a loader cannot be kept exactly."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data.distributed import DistributedSampler

from leyden.api.combined import length
from leyden.api.resumable import ResumableLoader
from leyden.api.rng import isolate_rng, rng_state
from leyden_option_exact_resume.tracked import TORCH, same

_REPLAY = (
    "the batches that were done are loaded again and dropped, and nothing tells whether they are the same"
)
_REMEDY = "give it state_dict and load_state_dict"


def reasons(tracked: ResumableLoader, limit: float) -> list[str]:
    """Why; empty when the place can be kept.

    Args:
        tracked: one loader, not a combination.
        limit: batches of an epoch.
    """
    loader = tracked.loader
    if _stateful(loader) or isinstance(loader, Sequence | Tensor):
        return []
    if not isinstance(loader, DataLoader):
        return list(_other(loader))
    if isinstance(loader.dataset, IterableDataset):
        return [
            f"{type(loader.dataset).__name__} is an IterableDataset in a DataLoader without state_dict, so {_REPLAY}. "
            f"Use torchdata's StatefulDataLoader, and {_REMEDY}"
        ]
    return [*_order(loader), *_persistent(loader, limit), *_samplers(tracked)]


def _other(loader: Any) -> Iterator[str]:
    name = type(loader).__name__
    if isinstance(loader, Iterator):
        yield f"{name} is an iterator, which cannot begin again; {_REMEDY}, or make it a DataLoader"
    else:
        yield f"{name} has no state_dict, so {_REPLAY}; {_REMEDY}"


def _order(loader: DataLoader[Any]) -> Iterator[str]:
    if loader.num_workers and not getattr(loader, "in_order", True):
        yield "in_order=False gives batches in the order in which workers are done; leave it out"
    if type(loader).__iter__ is not DataLoader.__iter__:
        yield f"{type(loader).__name__} iterates in a way of its own, so {_REPLAY}; {_REMEDY}"


def _persistent(loader: DataLoader[Any], limit: float) -> Iterator[str]:
    if loader.num_workers and loader.persistent_workers and limit < length(loader):
        yield (
            "persistent workers have loaded batches ahead when a limit ends the epoch, so their random numbers are not "
            "known then; leave persistent_workers or the limit out"
        )


def _samplers(tracked: ResumableLoader) -> Iterator[str]:
    loader = tracked.loader
    sampler: Any = loader.batch_sampler if loader.batch_sampler is not None else loader.sampler
    unknown = next((one for one in _chain(sampler) if type(one).__module__ not in TORCH), None)
    if unknown is not None and _draws_later(sampler, tracked):
        yield (
            f"{type(unknown).__name__} draws random numbers while it is iterated over, between those of the training "
            f"step; draw them when iteration begins, from a torch.Generator of its own, or {_REMEDY}"
        )


def _chain(sampler: Any) -> Iterator[Any]:
    while sampler is not None and not isinstance(sampler, DistributedSampler):
        yield sampler
        sampler = getattr(sampler, "sampler", None)


def _draws_later(sampler: Any, tracked: ResumableLoader) -> bool:
    """Whether the second item changes the process's generators; tried on a shallow copy."""
    kept = tracked.own_randomness()
    with isolate_rng():
        try:
            iterator = iter(copy.copy(sampler))
            next(iterator, None)
            before = rng_state()
            next(iterator, None)
            return not same(before, rng_state())
        finally:
            tracked.set_own_randomness(kept)


def _stateful(loader: Any) -> bool:
    return callable(getattr(loader, "state_dict", None)) and callable(
        getattr(loader, "load_state_dict", None)
    )
