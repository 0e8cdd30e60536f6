from __future__ import annotations

from typing import Any

import pytest

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import shown
from leyden_callback_early_stopping import EarlyStopping

WRONG_TYPES: list[tuple[str, Any]] = [
    ("monitor", None),
    ("monitor", 1),
    ("monitor", ["val_loss"]),
    ("min_delta", "0.1"),
    ("min_delta", None),
    ("min_delta", True),
    ("patience", "3"),
    ("patience", 1.5),
    ("patience", None),
    ("patience", True),
    ("patience", float("inf")),
    ("verbose", 2),
    ("mode", None),
    ("mode", 1),
    ("strict", None),
    ("check_finite", "yes"),
    ("stopping_threshold", "0.1"),
    ("stopping_threshold", False),
    ("divergence_threshold", [1]),
    ("check_on_train_epoch_end", 1),
    ("log_rank_zero_only", None),
]
WRONG_VALUES: list[tuple[str, Any]] = [
    ("monitor", ""),
    ("min_delta", float("nan")),
    ("min_delta", float("inf")),
    ("min_delta", -0.1),
    ("patience", -1),
    ("mode", "maximum"),
    ("mode", "auto"),
    ("stopping_threshold", float("nan")),
    ("divergence_threshold", float("nan")),
]


@pytest.mark.parametrize(("argument", "value"), WRONG_TYPES)
def test_wrong_types(argument: str, value: Any) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        EarlyStopping(**{"monitor": "val_loss", argument: value})
    assert f"{argument}={shown(value)}" in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(("argument", "value"), WRONG_VALUES)
def test_wrong_values(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EarlyStopping(**{"monitor": "val_loss", argument: value})
    assert f"{argument}={shown(value)}" in str(caught.value)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("mode", "good", "bad"), [("min", 0.5, 0.1), ("min", 0.5, 0.5), ("max", 0.5, 0.9), ("max", 0.5, 0.5)]
)
def test_thresholds_that_leave_nothing(mode: str, good: float, bad: float) -> None:
    with pytest.raises(ConfigurationError, match=r"divergence_threshold=.*stopping_threshold=0\.5"):
        EarlyStopping("x", mode=mode, stopping_threshold=good, divergence_threshold=bad)


@pytest.mark.parametrize(
    "arguments",
    [
        {"patience": 0},
        {"min_delta": 1},
        {"stopping_threshold": 0, "divergence_threshold": float("inf")},
        {"mode": "max", "stopping_threshold": 0.9, "divergence_threshold": 0.1},
    ],
)
def test_what_is_possible(arguments: dict[str, Any]) -> None:
    assert EarlyStopping("x", **arguments).wait_count == 0


def test_numpy_numbers_count() -> None:
    numpy = pytest.importorskip("numpy")
    callback = EarlyStopping("x", min_delta=numpy.float32(0.5), patience=numpy.int64(2), mode="max")
    assert (callback.min_delta, callback.patience) == (0.5, 2)
    assert type(callback.patience) is int


def test_a_misspelled_mode() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'max'"):
        EarlyStopping("x", mode="mx")
