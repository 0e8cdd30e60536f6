"""What ``StochasticWeightAveraging`` may be given."""

from __future__ import annotations

from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean

STRATEGIES = ("cos", "linear")


def rates(value: Any) -> float | list[float]:
    """The learning rates."""
    allowed = "a positive number, or a list of them, one for each parameter group"
    many = value if isinstance(value, list | tuple) else [value]
    if not many or any(isinstance(one, bool) or not isinstance(one, int | float) for one in many):
        raise ArgumentTypeError.about("swa_lrs", value, allowed)
    if any(one <= 0 for one in many):
        raise ConfigurationError.about("swa_lrs", value, allowed)
    return [float(one) for one in many] if isinstance(value, list | tuple) else float(value)


def start(value: Any) -> int | float:
    """The epoch or the fraction of epochs."""
    allowed = (
        "an int of at least 1 (an epoch, counted from 1), or a float from 0 to 1 (a fraction of max_epochs)"
    )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentTypeError.about("swa_epoch_start", value, allowed)
    if value < 1 if isinstance(value, int) else not 0 <= value <= 1:
        raise ConfigurationError.about("swa_epoch_start", value, allowed)
    return value


def epochs(value: Any) -> int:
    """The epochs of annealing."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError.about("annealing_epochs", value, "an int of at least 0")
    if value < 0:
        raise ConfigurationError.about("annealing_epochs", value, "an int of at least 0")
    return value


def strategy(value: Any) -> str:
    """The form of annealing."""
    if value not in STRATEGIES:
        hint = did_you_mean(value, STRATEGIES) if isinstance(value, str) else ""
        raise ConfigurationError.about("annealing_strategy", value, "'cos' or 'linear'", hint)
    return str(value)


def average(value: Any) -> Any:
    """The averaging function."""
    if value is not None and not callable(value):
        raise ArgumentTypeError.about(
            "avg_fn", value, "a function of the average, the parameter and the number averaged, or None"
        )
    return value
