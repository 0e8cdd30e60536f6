"""Limits of combined loaders, and what counts as one loader in a collection."""

import pytest

from leyden.api.combined import CombinedLoader
from leyden.errors import LeydenError


def test_one_limit_counts_for_each_iterable() -> None:
    combined = CombinedLoader([["a", "b", "c"], ["d", "e"]], "sequential")
    combined.limits = 1
    assert combined.limits == [1, 1]
    assert list(combined) == [("a", 0, 0), ("d", 0, 1)]


def test_as_many_limits_as_iterables() -> None:
    combined = CombinedLoader([[0], [1]])
    with pytest.raises(LeydenError, match=r"one for each of 2 iterables.*There are 3"):
        combined.limits = [1, 2, 3]


def test_a_list_of_numbers_is_a_loader() -> None:
    combined = CombinedLoader([[0], [[1], [[2]]]])
    assert combined.flattened == [[0], [1], [2]]
    combined.flattened = [[3], [2], [1]]
    assert combined.iterables == [[3], [[2], [[1]]]]
