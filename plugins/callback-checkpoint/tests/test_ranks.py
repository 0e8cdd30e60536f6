from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from leyden_callback_checkpoint.ranks import decided


def trainer(rank: int, heard: Any = None) -> Any:
    """A trainer whose other ranks hear ``heard`` from rank zero."""
    strategy = SimpleNamespace(broadcast=lambda outcome: outcome if rank == 0 else heard)
    return SimpleNamespace(is_global_zero=rank == 0, strategy=strategy)


def test_rank_zero_decides() -> None:
    assert decided(trainer(0), lambda: "mine", "other") == "mine"


def test_the_others_look_at_nothing() -> None:
    def look() -> str:
        raise AssertionError("only rank zero looks at files")

    assert decided(trainer(1, ("zero's", None)), look, "other") == "zero's"


def test_an_error_of_rank_zero_is_raised_everywhere() -> None:
    def fail() -> str:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        decided(trainer(0), fail, "other")
    with pytest.raises(OSError, match="full"):
        decided(trainer(1, ("other", OSError("full"))), fail, "other")
