"""Shares of a loader: each process gets its own samples, and the user's loader stays as it is."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sized
from math import ceil
from typing import Any, ClassVar, cast

import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

from leyden.api.resumable import ResumableLoader, indexed, with_attribute
from leyden.api.rng import isolate_rng


class _Shares:
    """What the processes share: each takes every world_size-th item of an order that all know."""

    batchwise: ClassVar[bool] = False

    def __init__(self, rank: int, world_size: int, *, padded: bool, seed: int) -> None:
        self.rank, self.world_size, self.padded, self.seed = rank, world_size, padded, seed
        self.epoch = 0
        # A pair: a checkpoint's numbers of samplers are given back to attributes, and this is another run's place.
        self._place: tuple[int, list[Any] | None] = (0, None)

    @property
    def _told(self) -> Any:
        """The user's own, which is told the epoch."""
        raise NotImplementedError

    def order(self) -> list[Any]:
        """All items of the running epoch, in their order."""
        raise NotImplementedError

    def set_epoch(self, epoch: int) -> None:
        """Take another order."""
        if epoch != self.epoch:
            self._place = (0, None)
        self.epoch = epoch
        tell = getattr(self._told, "set_epoch", None)
        if callable(tell):
            tell(epoch)

    def go_on(self, epoch: int, start: int, whole: Any, began: Any) -> None:
        """Go on in an epoch that another number of processes began.

        Args:
            epoch: the epoch.
            start: so many items of its order are done, beside the batches that are left out.
            whole: the user's loader.
            began: where its order is not the common one, the place in it that one process left; else ``None``.
        """
        given = order_of_one(whole, began, self.batchwise) if began is not None else None
        self.epoch, self._place = epoch, (start, given)

    @property
    def start(self) -> int:
        """So many items of the running epoch's order are no share of anybody's."""
        return self._place[0]

    @property
    def order_of_one(self) -> bool:
        """Whether the running epoch has the order that one process gave it."""
        return self._place[1] is not None

    def total(self) -> int:
        """How many items there are in an epoch, or what is left of it."""
        start, given = self._place
        return max(0, len(cast(Sized, self._told if given is None else given)) - start)

    def __len__(self) -> int:
        total = self.total()
        return ceil(total / self.world_size) if self.padded else share(total, self.rank, self.world_size)

    def __iter__(self) -> Iterator[Any]:
        start, given = self._place
        order = (self.order() if given is None else given)[start:]
        if self.padded and order:
            size = ceil(len(order) / self.world_size) * self.world_size
            order = (order * ceil(size / len(order)))[:size]
        return iter(order[self.rank :: self.world_size])


class ShardSampler(_Shares):
    """One process's share of a sampler's samples.

    All processes know the order of all samples: that of the dataset, or a permutation drawn from seed and epoch
    (``torch.utils.data.DistributedSampler``'s), or, for samplers of the user's own, what they yield when torch is
    seeded so. The process of rank r takes every world_size-th of them, beginning with the r-th, so that after k batches
    everywhere the samples that were seen are the first ones of that order, for any number of processes.

    Args:
        sampler: the loader's own.
        dataset: the loader's own.
        rank: of this process.
        world_size: how many processes there are.
        padded: whether shares have the same length, with samples from the order's beginning repeated at its end;
            otherwise each sample belongs to one process, and shares differ by one sample at most.
        seed: the same in all processes.
    """

    def __init__(
        self, sampler: Any, dataset: Any, rank: int, world_size: int, *, padded: bool, seed: int
    ) -> None:
        super().__init__(rank, world_size, padded=padded, seed=seed)
        self.sampler, self.dataset = sampler, dataset

    @property
    def _told(self) -> Any:
        return self.sampler

    @property
    def generator(self) -> Any:
        """The generator of the loader's own sampler, which a checkpoint keeps."""
        return getattr(self.sampler, "generator", None)

    def order(self) -> list[Any]:
        """All samples of the running epoch, in their order."""
        if isinstance(self.sampler, SequentialSampler):
            return list(range(len(self.dataset)))
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        if isinstance(self.sampler, RandomSampler) and not _special(self.sampler):
            return torch.randperm(len(self.dataset), generator=generator).tolist()
        with isolate_rng():
            torch.manual_seed(self.seed + self.epoch)
            return list(self.sampler)


def _special(sampler: RandomSampler) -> bool:
    """Whether it draws with replacement, or another number of samples than there are."""
    return bool(sampler.replacement) or sampler._num_samples is not None


def share(total: int, rank: int, world_size: int) -> int:
    """How many of so many samples belong to a process."""
    return len(range(rank, total, world_size))


class EvenBatches:
    """Batches of a share whose number is the same in all processes although their shares differ by a sample.

    Where one process has a batch less than another, its last batch that can be divided is. So a collective in every
    step of an evaluation finds all processes, as long as there are as many samples as processes.

    Args:
        batches: the loader's batch sampler over a :class:`ShardSampler`.
        sampler: that sampler.
        batch_size: the loader's.
    """

    def __init__(self, batches: Any, sampler: ShardSampler, batch_size: int) -> None:
        self.batches, self.sampler, self.batch_size = batches, sampler, batch_size
        self.drop_last = False

    def set_epoch(self, epoch: int) -> None:
        """Tell the sampler."""
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return max(ceil(len(self.sampler) / self.batch_size), min(self._most(), len(self.sampler)))

    def _most(self) -> int:
        return ceil(share(self.sampler.total(), 0, self.sampler.world_size) / self.batch_size)

    def __iter__(self) -> Iterator[list[Any]]:
        missing = len(self) - ceil(len(self.sampler) / self.batch_size)
        for batch in self.batches:
            if missing and len(batch) > 1:
                missing -= 1
                yield batch[: len(batch) // 2]
                yield batch[len(batch) // 2 :]
            else:
                yield batch


class ShardBatches(_Shares):
    """Every world_size-th batch of a batch sampler that has no sampler to share.

    Args:
        batches: the user's batch sampler.
        rank: of this process.
        world_size: how many processes there are.
        padded: whether all get the same number, with batches from the beginning repeated at the end.
        seed: the same in all processes.
    """

    batchwise: ClassVar[bool] = True

    def __init__(self, batches: Any, rank: int, world_size: int, *, padded: bool, seed: int) -> None:
        super().__init__(rank, world_size, padded=padded, seed=seed)
        self.batches = batches

    @property
    def _told(self) -> Any:
        return self.batches

    def __getattr__(self, name: str) -> Any:
        if name in ("batches", "__setstate__"):
            raise AttributeError(name)
        return getattr(self.batches, name)

    def order(self) -> list[Any]:
        """All batches of the running epoch, in their order."""
        with isolate_rng():
            torch.manual_seed(self.seed + self.epoch)
            return list(self.batches)


class _Indexes:
    """A dataset whose samples are their indices."""

    def __getitem__(self, index: Any) -> Any:
        return index


def order_of_one(loader: Any, began: Any, batchwise: bool) -> list[Any] | None:
    """The order of a pass that one process began, from the random numbers it began with. Nothing is loaded.

    Args:
        loader: the user's.
        began: the place in it, from a checkpoint.
        batchwise: of its batches, rather than of its samples.

    Returns:
        ``None`` where no pass had begun, or its order cannot be told.
    """
    if began.get("started") is None or not indexed(loader):
        return None
    names = copy.copy(loader)
    workers = {"num_workers": 0, "prefetch_factor": None, "persistent_workers": False, "timeout": 0}
    vars(names).update(
        workers, dataset=_Indexes(), collate_fn=lambda found: found, pin_memory=False, _iterator=None
    )
    source = ResumableLoader(loader)
    now = source.randomness()
    source.set_randomness(began["started"])
    found = list(names)
    source.set_randomness(now)
    single = batchwise or loader.batch_sampler is None
    return found if single else [one for batch in found for one in batch]


def shard(loader: Any, rank: int, world_size: int, *, training: bool, seed: int | None = None) -> Any:
    """A loader's share for one process, as a shallow copy; the loader itself where nothing can be shared.

    Left as they are: what is no ``DataLoader``, loaders of iterable datasets, and those that are distributed already.

    Args:
        loader: the user's.
        rank: of the process.
        world_size: how many processes there are.
        training: whether all need the same number of batches; elsewhere each sample belongs to one process.
        seed: of the order; the same in all processes, or their shares are not those of one data set. ``None`` for the
            one that :func:`leyden.seed_everything` was given in this process, or else 0.
    """
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        return loader
    seed = int(os.environ.get("PL_GLOBAL_SEED", "0")) if seed is None else seed
    batches: Any = loader.batch_sampler
    if isinstance(_sampler(loader), DistributedSampler | ShardSampler) or isinstance(batches, ShardBatches):
        return loader
    if batches is not None and not isinstance(getattr(batches, "sampler", None), _Samples):
        other = ShardBatches(batches, rank, world_size, padded=training, seed=seed)
        return with_attribute(loader, "batch_sampler", other)
    sampler = ShardSampler(_sampler(loader), loader.dataset, rank, world_size, padded=training, seed=seed)
    shared = with_attribute(loader, "sampler", sampler)
    if batches is not None and type(batches) is not BatchSampler:
        inner = copy.copy(batches)
        inner.sampler = sampler
        vars(shared)["batch_sampler"] = inner
    elif batches is not None and not training and not batches.drop_last:
        even = EvenBatches(shared.batch_sampler, sampler, batches.batch_size)
        vars(shared)["batch_sampler"] = even
    return shared


def _sampler(loader: DataLoader[Any]) -> Any:
    """The sampler that decides: that of a batch sampler of the user's own, else the loader's."""
    inner = getattr(loader.batch_sampler, "sampler", None)
    return inner if isinstance(inner, _Samples) else loader.sampler


class _Sampling(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return hasattr(instance, "__iter__") and hasattr(instance, "__len__")


class _Samples(metaclass=_Sampling):
    """What can be iterated over and has a length."""
