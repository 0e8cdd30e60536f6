from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    WeightedRandomSampler,
)

from leyden.api.resumable import ResumableLoader
from leyden_distributed.sampling import ShardBatches, ShardSampler, order_of_one, shard

SIZES = st.integers(0, 40)
WORLDS = st.integers(1, 6)


def loader(size: int, **options: Any) -> DataLoader[Any]:
    rows: Any = list(range(size))
    return DataLoader(rows, **{"batch_size": 3, **options})


def batches(one: Any) -> list[list[int]]:
    return [batch.tolist() for batch in one]


@settings(deadline=None)
@given(size=SIZES, world=WORLDS)
def test_in_evaluation_every_sample_belongs_to_one_process(size: int, world: int) -> None:
    shares = [shard(loader(size), rank, world, training=False) for rank in range(world)]
    found = [batches(one) for one in shares]
    assert sorted(x for one in found for batch in one for x in batch) == list(range(size))
    assert [len(one) for one in found] == [len(one) for one in shares], "their lengths are true"
    if size >= world:
        assert len({len(one) for one in found}) <= 1 or size < world * len(found[0])
    assert all(1 <= len(batch) <= 3 for one in found for batch in one)


@settings(deadline=None)
@given(
    size=st.integers(1, 40),
    world=WORLDS,
    seed=st.integers(0, 9),
    epoch=st.integers(0, 3),
    shuffle=st.booleans(),
)
def test_in_training_shares_are_torchs(size: int, world: int, seed: int, epoch: int, shuffle: bool) -> None:
    rows: Any = list(range(size))
    sampler = RandomSampler(rows) if shuffle else SequentialSampler(rows)
    for rank in range(world):
        theirs = DistributedSampler(rows, world, rank, shuffle=shuffle, seed=seed)
        ours = ShardSampler(sampler, rows, rank, world, padded=True, seed=seed)
        theirs.set_epoch(epoch)
        ours.set_epoch(epoch)
        assert list(ours) == list(theirs)
        assert len(ours) == len(theirs)


@settings(deadline=None)
@given(size=st.integers(1, 60), world=WORLDS, taken=st.integers(0, 10))
def test_after_some_batches_everywhere_the_first_samples_of_the_order_were_seen(
    size: int, world: int, taken: int
) -> None:
    rows: Any = list(range(size))
    shares = [
        ShardSampler(RandomSampler(rows), rows, rank, world, padded=True, seed=1) for rank in range(world)
    ]
    count = min(taken, size // world)
    seen = {one for share in shares for one in list(share)[:count]}
    assert seen == set(shares[0].order()[: count * world])


def test_batches_are_evened_out_by_division() -> None:
    found = [batches(shard(loader(7), rank, 2, training=False)) for rank in range(2)]
    assert found == [[[0, 2, 4], [6]], [[1], [3, 5]]]


def test_the_users_loader_stays_as_it_is() -> None:
    mine = loader(9, shuffle=True)
    before = (mine.sampler, mine.batch_sampler, mine.batch_sampler.sampler)  # type: ignore[union-attr]
    assert shard(mine, 0, 2, training=True) is not mine
    assert (mine.sampler, mine.batch_sampler, mine.batch_sampler.sampler) == before  # type: ignore[union-attr]


def test_loaders_of_the_users_own_class_are_not_constructed_again() -> None:
    class Own(DataLoader[Any]):
        made = 0

        def __init__(self, anything: Any) -> None:
            super().__init__(anything, batch_size=2)
            type(self).made += 1

    rows: Any = list(range(4))
    found = shard(Own(rows), 1, 2, training=True)
    assert (type(found), Own.made) == (Own, 1)
    assert batches(found) == [[1, 3]]


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(4))


def test_what_cannot_be_shared_is_left_alone() -> None:
    rows: Any = list(range(4))
    already = DataLoader(rows, sampler=DistributedSampler(rows, 2, 0))
    for one in (DataLoader(Stream()), [torch.ones(2)], already):
        assert shard(one, 0, 2, training=True) is one
    twice = shard(loader(4), 0, 2, training=True)
    assert shard(twice, 0, 2, training=True) is twice


def test_batch_samplers_of_the_users_own() -> None:
    class Own(BatchSampler):
        pass

    rows: Any = list(range(10))
    own = Own(SequentialSampler(rows), 2, drop_last=True)
    found = shard(DataLoader(rows, batch_sampler=own), 1, 2, training=True)
    assert type(found.batch_sampler) is Own
    assert batches(found) == [[1, 3], [5, 7]]
    fixed: Any = [[0, 1], [2], [3, 4]]
    shares = [shard(DataLoader(rows, batch_sampler=fixed), rank, 2, training=False) for rank in range(2)]
    assert [batches(one) for one in shares] == [[[0, 1], [3, 4]], [[2]]]
    padded = [shard(DataLoader(rows, batch_sampler=fixed), rank, 2, training=True) for rank in range(2)]
    assert [batches(one) for one in padded] == [[[0, 1], [3, 4]], [[2], [0, 1]]]
    assert [len(one) for one in padded] == [2, 2]


def test_without_batches_samples_are_shared() -> None:
    rows: Any = list(range(5))
    found = shard(DataLoader(rows, batch_size=None), 1, 2, training=False)
    assert list(found) == [1, 3]


@pytest.mark.parametrize("own", [True, False])
def test_random_samplers_of_the_users_own_draw_alike_everywhere(own: bool) -> None:
    rows: Any = list(range(8))
    found = []
    for rank in range(2):
        torch.manual_seed(rank)  # processes have drawn differently
        generator = torch.Generator().manual_seed(1) if own else None
        sampler = WeightedRandomSampler([1.0] * 8, 8, replacement=False, generator=generator)
        before = torch.get_rng_state()
        found.append(list(ShardSampler(sampler, rows, rank, 2, padded=True, seed=3)))
        assert torch.get_rng_state().equal(before)
    assert sorted(found[0] + found[1]) == rows


def test_epochs_have_orders_of_their_own_and_are_told() -> None:
    class Told:
        epoch = -1

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Iterator[int]:
            return iter([self.epoch] * 4)

        def __len__(self) -> int:
            return 4

    rows: Any = list(range(4))
    sampler = ShardSampler(Told(), rows, 0, 2, padded=True, seed=0)
    sampler.set_epoch(5)
    assert list(sampler) == [5, 5]
    fixed = ShardSampler(RandomSampler(rows), rows, 0, 1, padded=True, seed=0)
    orders = []
    for epoch in range(3):
        fixed.set_epoch(epoch)
        orders.append(tuple(fixed))
    assert len(set(orders)) > 1


def own_batches() -> list[list[int]]:
    return [list(range(start, min(start + 4, 18))) for start in range(0, 18, 4)]


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": True},
        {"shuffle": True, "generator": torch.Generator().manual_seed(5)},
        {"shuffle": True, "num_workers": 2},
        {"sampler": WeightedRandomSampler([1.0] * 18, 18)},
        {"batch_sampler": own_batches(), "batch_size": 1},
        {"batch_size": None, "shuffle": True},
    ],
    ids=lambda options: "-".join(options),
)
def test_the_order_that_one_process_began(options: dict[str, Any]) -> None:
    one = loader(18, **options)
    began = {"started": ResumableLoader(one).randomness()}
    seen = [batch.tolist() if isinstance(batch, torch.Tensor) else batch for batch in one]
    before = torch.get_rng_state()
    samples = seen if options.get("batch_size", 3) is None else [x for batch in seen for x in batch]
    assert order_of_one(one, began, batchwise=False) == samples
    assert order_of_one(one, began, batchwise=True) == seen
    assert torch.get_rng_state().equal(before)


def test_no_order_is_made_up() -> None:
    class Own(DataLoader[Any]):
        def __iter__(self) -> Any:
            return iter(())

    rows: Any = list(range(6))
    began = {"started": ResumableLoader(loader(6)).randomness()}
    assert order_of_one(Own(rows), began, batchwise=False) is None
    assert order_of_one(loader(6), {"started": None}, batchwise=False) is None


@pytest.mark.parametrize("batchwise", [False, True])
@pytest.mark.parametrize("start", [0, 1, 5])
def test_shares_of_what_is_left(start: int, batchwise: bool) -> None:
    one = loader(18, shuffle=True) if not batchwise else loader(18, batch_sampler=own_batches(), batch_size=1)
    began = {"started": ResumableLoader(one).randomness()}
    order = order_of_one(one, began, batchwise) or []
    shares = [shard(one, rank, 2, training=True) for rank in range(2)]
    found = [each.batch_sampler if batchwise else each.sampler for each in shares]
    for sharing in found:
        assert isinstance(sharing, ShardBatches if batchwise else ShardSampler)
        sharing.go_on(2, start, one, began)
        sharing.set_epoch(2)
        assert sharing.order_of_one
    seen = [x for both in zip(*found, strict=True) for x in both]
    left = order[start:]
    assert seen[: len(left)] == left
    assert len(seen) == len(left) + len(left) % 2 == 2 * len(found[0])
    found[0].set_epoch(3)
    assert (found[0].start, found[0].order_of_one) == (0, False)
