"""Several iterables as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from leyden.api.combined import MODES, CombinedLoader, flatten
from leyden.errors import ConfigurationError


class Unsized:
    """An iterable that does not know its length."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.size))


def batches(loader: CombinedLoader) -> list[Any]:
    """The batches alone."""
    return [batch for batch, _, _ in loader]


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("min_size", [[0, 0], [1, 1]]),
        ("max_size_cycle", [[0, 0], [1, 1], [0, 2], [1, 3], [0, 4]]),
        ("max_size", [[0, 0], [1, 1], [None, 2], [None, 3], [None, 4]]),
    ],
)
@pytest.mark.parametrize("sized", [True, False])
def test_modes_that_go_together(mode: str, wanted: list[Any], sized: bool) -> None:
    make: Any = range if sized else Unsized
    loader = CombinedLoader([make(2), make(5)], mode)
    assert batches(loader) == wanted
    assert batches(loader) == wanted, "a second pass begins anew"
    assert [index for _, index, _ in loader] == list(range(len(wanted)))
    if sized:
        assert len(loader) == len(wanted)


def test_one_after_the_other() -> None:
    loader = CombinedLoader({"a": range(2), "b": range(10, 13)}, "sequential")
    assert list(loader) == [(0, 0, 0), (1, 1, 0), (10, 0, 1), (11, 1, 1), (12, 2, 1)]
    assert len(loader) == 5


class Pair(NamedTuple):
    """Two of something."""

    one: Any
    two: Any


@pytest.mark.parametrize(
    ("collection", "first"),
    [
        (range(3), 0),
        ([range(3), range(10, 13)], [0, 10]),
        ((range(3), range(10, 13)), (0, 10)),
        ({"a": range(3), "b": [range(10, 13), range(20, 23)]}, {"a": 0, "b": [10, 20]}),
        (Pair(range(3), {"x": range(10, 13)}), Pair(0, {"x": 10})),
    ],
    ids=["one", "list", "tuple", "dict", "named tuple"],
)
def test_a_batch_has_the_collections_structure(collection: Any, first: Any) -> None:
    batch = batches(CombinedLoader(collection))[0]
    assert batch == first
    assert type(batch) is type(first)


def test_the_leaves_can_be_replaced() -> None:
    loader = CombinedLoader({"a": range(2), "b": range(2)})
    loader.flattened = [range(5, 7), range(7, 9)]
    assert batches(loader) == [{"a": 5, "b": 7}, {"a": 6, "b": 8}]
    assert loader.iterables == {"a": range(5, 7), "b": range(7, 9)}
    with pytest.raises(ConfigurationError, match="a list of 2 iterables"):
        loader.flattened = [range(3)]


def test_flatten_builds_what_it_took_apart() -> None:
    structure = {"a": ["x"], "b": (["y"], {"c": ["z"]})}
    leaves, build = flatten({"a": [iter("x")], "b": ([iter("y")], {"c": [iter("z")]})})
    assert len(leaves) == 3
    assert build(["x", "y", "z"]) == structure


@pytest.mark.parametrize("mode", ["max_size_cycle", "max_size", "sequential"])
def test_without_a_length_there_is_none_for_the_longest(mode: str) -> None:
    with pytest.raises(TypeError, match="no length"):
        len(CombinedLoader([range(2), Unsized(3)], mode))
    assert len(CombinedLoader([range(2), Unsized(3)], "min_size")) == 2


def test_an_empty_iterable_cannot_be_cycled() -> None:
    with pytest.raises(ConfigurationError, match="is empty"):
        batches(CombinedLoader([range(2), range(0)], "max_size_cycle"))
    assert batches(CombinedLoader([range(2), range(0)], "max_size")) == [[0, None], [1, None]]
    assert batches(CombinedLoader([range(2), range(0)], "min_size")) == []


def test_an_empty_iterable_without_a_length_cannot_be_cycled_either() -> None:
    with pytest.raises(ConfigurationError, match="is empty"):
        batches(CombinedLoader([range(2), Unsized(0)], "max_size_cycle"))


def test_no_iterables_no_batches() -> None:
    assert batches(CombinedLoader([])) == []


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="'max'") as caught:
        CombinedLoader([range(2)], "max")
    assert all(repr(mode) in str(caught.value) for mode in MODES)


def test_what_cannot_be_iterated_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="3 cannot be iterated"):
        CombinedLoader([range(2), 3])
