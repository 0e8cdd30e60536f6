"""Loaders: limits, the last batch, and going on from the middle."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, Numbers, numbers, quiet, samples
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    WeightedRandomSampler,
)

from leyden.api.loaders import (
    LoaderBatches,
    evaluation_loaders,
    limited,
    training_loader,
    without_shuffling,
)
from leyden.api.resumable import skipped
from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError, UserCodeError


class Stream(IterableDataset[torch.Tensor]):
    """Samples without a length."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter([torch.tensor([float(i), 1.0]) for i in range(self.size)])


# -- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "count"),
    [(1.0, 10), (0.0, 0), (0.25, 2), (0.1, 1), (0.99, 9), (0, 0), (1, 1), (7, 7), (99, 10)],
    ids=repr,
)
def test_a_float_is_a_fraction_and_an_int_a_count(limit: float, count: int) -> None:
    assert limited(range(10), limit, "limit_train_batches") == count


@pytest.mark.parametrize(("limit", "count"), [(1.0, inf), (0.0, 0), (3, 3)])
def test_without_a_length(limit: float, count: float) -> None:
    assert limited(iter(range(10)), limit, "limit_train_batches") == count


def test_a_fraction_that_leaves_nothing_is_refused_with_the_least() -> None:
    with pytest.raises(ConfigurationError, match=r"limit_val_batches=0\.05.*at least 0\.1"):
        limited(range(10), 0.05, "limit_val_batches")


def test_a_fraction_of_an_unknown_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"limit_test_batches=0\.5.*an int, or 1\.0"):
        limited(iter(range(10)), 0.5, "limit_test_batches")


# -- the last batch -------------------------------------------------------------------------------------------------


def flags(loader: Any, limit: float, skip: int = 0) -> list[tuple[Any, bool]]:
    """What a pass yields."""
    return list(LoaderBatches(loader, limit, None, "train_dataloaders").iterate(skip))


@pytest.mark.parametrize("limit", [3, inf])
def test_the_last_batch_is_known_with_and_without_a_length(limit: float) -> None:
    loader = [*"abc"] if limit == 3 else iter("abc")
    assert flags(loader, limit) == [("a", False), ("b", False), ("c", True)]


def test_a_limit_ends_the_pass_without_fetching_more() -> None:
    data = numbers(8, batch_size=1)
    assert [last for _, last in flags(data, 2)] == [False, True]
    assert data.dataset.read == [0, 1]  # type: ignore[attr-defined]


def test_without_a_length_one_batch_is_fetched_ahead_and_prepared_only_when_its_turn_comes() -> None:
    fetched, prepared = list[int](), list[int]()

    def fetch() -> Iterator[int]:
        for index in range(3):
            fetched.append(index)
            yield index

    def prepare(one: int) -> int:
        prepared.append(one)
        return one

    batches = LoaderBatches(fetch(), inf, prepare, "train_dataloaders").iterate()
    assert next(batches) == (0, False)
    assert (fetched, prepared) == ([0, 1], [0])
    assert list(batches) == [(1, False), (2, True)]


def test_a_stream_without_batches_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="train_dataloaders has no batches"):
        flags(iter(""), inf)


def test_a_limit_of_nothing_asks_for_nothing() -> None:
    assert flags(iter(""), 0) == []


class Lying:
    """Says that it is longer than it is."""

    def __init__(self, says: int, has: int) -> None:
        self.says, self.has = says, has

    def __len__(self) -> int:
        return self.says

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.has))


def test_a_loader_that_ends_early_is_told() -> None:
    with pytest.warns(LeydenWarning, match=r"\[short-loader\] train_dataloaders ended after 2 of 3 batches"):
        assert flags(Lying(3, 2), 3) == [(0, False), (1, False)]
    with pytest.raises(ConfigurationError, match="train_dataloaders has no batches"):
        flags(Lying(3, 0), 3)


# -- from the middle ------------------------------------------------------------------------------------------------


def random_loader(dataset: Numbers, kind: str) -> DataLoader[Any]:
    """Loaders that draw random numbers in different ways."""
    generator = torch.Generator().manual_seed(3) if kind == "own generator" else None
    sampler = {
        "weighted": lambda: WeightedRandomSampler([1.0] * 9, 9),
        "with replacement": lambda: RandomSampler(dataset, replacement=True),
    }.get(kind, lambda: None)()
    if kind == "batch sampler":
        return DataLoader(dataset, batch_sampler=BatchSampler(RandomSampler(dataset), 2, False))
    if kind == "no batches":
        return DataLoader(dataset, batch_size=None, shuffle=True)
    return DataLoader(dataset, 2, shuffle=sampler is None, sampler=sampler, generator=generator)


KINDS = ["shuffle", "own generator", "weighted", "with replacement", "batch sampler", "no batches"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_skipping_leaves_the_rest_the_random_numbers_and_the_user_data_untouched(
    kind: str, count: int
) -> None:
    dataset = Numbers(9)
    torch.manual_seed(1)
    whole = [one.tolist() for one in random_loader(dataset, kind)]
    after = torch.rand(1)
    dataset.read.clear()
    torch.manual_seed(1)
    rest = [one.tolist() for one in skipped(random_loader(dataset, kind), count)]
    assert rest == whole[count:]
    assert torch.equal(torch.rand(1), after)
    assert len(dataset.read) == sum(len(one) if kind != "no batches" else 1 for one in whole[count:])


def test_skipping_a_stream_fetches_what_it_leaves_out() -> None:
    assert [samples(one) for one in skipped(DataLoader(Stream(6), 2), 2)] == [[4, 5]]
    assert list(skipped([*"abcd"], 3)) == ["d"]
    assert list(skipped([*"abcd"], 9)) == []


def test_going_on_draws_what_the_first_pass_drew_and_leaves_the_generator_where_it_was() -> None:
    torch.manual_seed(1)
    first = LoaderBatches(numbers(9, shuffle=True), 5, None, "x")
    whole = [samples(batch) for batch, _ in first.iterate()]
    torch.manual_seed(2)
    now = torch.get_rng_state()
    second = LoaderBatches(numbers(9, shuffle=True), 5, None, "x")
    second.load_state_dict(first.state_dict(True, 3))
    rest = second.iterate(skip=3)
    assert samples(next(rest)[0]) == whole[3]
    assert torch.equal(torch.get_rng_state(), now)
    assert [samples(batch) for batch, _ in rest] == whole[4:]
    assert second.source.started is first.source.started


def test_the_users_loader_is_never_changed() -> None:
    loader = numbers(4, shuffle=True)
    sampler, batch_sampler = loader.sampler, loader.batch_sampler
    list(skipped(loader, 1))
    with pytest.warns(LeydenWarning, match="overfit-sequential"):
        other = without_shuffling(loader, "overfit_batches")
    assert (loader.sampler, loader.batch_sampler) == (sampler, batch_sampler)
    assert isinstance(other.sampler, SequentialSampler)
    assert [samples(one) for one in other] == [[0, 1], [2, 3]]


def test_the_order_of_what_is_not_shuffled_is_kept_silently() -> None:
    loader = numbers(4)
    assert without_shuffling(loader, "overfit_batches") is loader


# -- collections ----------------------------------------------------------------------------------------------------


def test_a_collection_of_training_loaders_is_cycled_together() -> None:
    loader = training_loader({"a": range(3), "b": range(2)})
    assert list(loader) == [{"a": 0, "b": 0}, {"a": 1, "b": 1}, {"a": 2, "b": 0}]


def test_a_collection_of_evaluation_loaders_is_run_one_after_the_other() -> None:
    assert [list(one) for one in evaluation_loaders([range(2), range(3)], "val_dataloaders")] == [
        [0, 1],
        [0, 1, 2],
    ]


@pytest.mark.parametrize("given", [None, "text", 3])
def test_what_is_no_data_is_refused_with_the_name_of_where_it_came_from(given: Any) -> None:
    with pytest.raises(UserCodeError, match="Mine.val_dataloader gave"):
        evaluation_loaders(given, "Mine.val_dataloader")


# -- in a run -------------------------------------------------------------------------------------------------------


def test_a_run_takes_what_the_limits_leave() -> None:
    module = Linear()
    module.__dict__["predict_step"] = lambda batch, batch_idx: samples(batch)
    trainer = quiet(limit_train_batches=2, limit_predict_batches=0.5)
    trainer.fit(module, numbers(8))
    assert module.seen == [[0, 1], [2, 3]]
    assert trainer.predict(module, numbers(8)) == [[0, 1], [2, 3]]
    assert (trainer.num_training_batches, trainer.num_predict_batches) == (2, [2])


def test_a_stream_is_trained_to_its_end_and_its_last_batch_is_known() -> None:
    lasts: list[bool] = []
    module = Linear(
        on_train_batch_start=lambda self, batch, batch_idx: lasts.append(self.trainer.is_last_batch)
    )
    quiet(max_epochs=2).fit(module, DataLoader(Stream(6), 2))
    assert lasts == [False, False, True] * 2


def test_validation_data_is_loaded_anew_when_it_is_next_needed() -> None:
    made: list[tuple[str, int]] = []

    class Loading(Linear):
        def train_dataloader(self) -> DataLoader[Any]:
            made.append(("train", self.current_epoch))
            return numbers()

        def val_dataloader(self) -> DataLoader[Any]:
            made.append(("val", self.current_epoch))
            return numbers()

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            """Nothing to judge."""

    trainer = quiet(
        max_epochs=4, reload_dataloaders_every_n_epochs=1, check_val_every_n_epoch=2, num_sanity_val_steps=1
    )
    trainer.fit(Loading())
    assert made == [
        ("val", 0),
        ("train", 0),
        ("train", 1),
        ("val", 1),
        ("train", 2),
        ("train", 3),
        ("val", 3),
    ]
