"""One set of hyper-parameters, and the trial that suggests it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from leyden.errors import ArgumentTypeError, ConfigurationError

Space = Mapping[str, BaseDistribution] | Callable[[Trial], Mapping[str, Any]]


class Suggestion(dict[str, Any]):
    """Hyper-parameters by name.

    Attributes:
        trial: the trial that suggests them, for reports and pruning.
    """

    def __init__(self, values: Mapping[str, Any], trial: Trial) -> None:
        super().__init__(values)
        self.trial = trial


def checked_space(space: Any) -> Space:
    """A search space: optuna's distributions by name, or a function from a trial to hyper-parameters.

    Raises:
        leyden.errors.ConfigurationError: it is something else, or empty.
    """
    if callable(space):
        return space  # type: ignore[no-any-return]
    allowed = "a dict of optuna's distributions, or a function from a trial to a dict"
    if not isinstance(space, Mapping):
        raise ArgumentTypeError.about("space", space, allowed)
    wrong = {name: one for name, one in space.items() if not isinstance(one, BaseDistribution)}
    if wrong or not space:
        raise ConfigurationError.about("space", wrong or space, allowed)
    return dict(space)


def suggest(trial: Trial, space: Space) -> Suggestion:
    """Let a trial choose."""
    if callable(space):
        return Suggestion(space(trial), trial)
    return Suggestion({name: _one(trial, name, one) for name, one in space.items()}, trial)


def _one(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        low, high, step = distribution.low, distribution.high, distribution.step
        return trial.suggest_int(name, low, high, step=step, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(
        name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
    )


def parsed(text: str) -> tuple[str, BaseDistribution]:
    """Read ``lr=1e-4..1e-1:log``, ``width=8..64:8``, ``layers=1..4`` or ``act=relu,tanh``.

    Raises:
        ValueError: it is none of these; says which.
    """
    name, equals, values = text.partition("=")
    allowed = "NAME=LOW..HIGH, NAME=LOW..HIGH:log, NAME=LOW..HIGH:STEP or NAME=A,B,C"
    if not name or not equals or not values:
        raise ValueError(f"{text!r} is not possible: allowed is {allowed}")
    low, dots, rest = values.partition("..")
    try:
        return name, _between(low, rest) if dots else CategoricalDistribution(
            [*map(_value, values.split(","))]
        )
    except ValueError as error:
        raise ValueError(f"{text!r} is not possible: {error}; allowed is {allowed}") from error


def _between(low: str, rest: str) -> BaseDistribution:
    high, _, how = rest.partition(":")
    first, last = _value(low), _value(high)
    numbers = (first, last)
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
        raise ValueError("a range has two numbers")
    whole = all(isinstance(one, int) for one in numbers)
    if how == "log":
        return IntDistribution(first, last, log=True) if whole else FloatDistribution(first, last, log=True)
    step = _value(how) if how else None
    if step is not None and (isinstance(step, str | bool) or not step > 0):
        raise ValueError("behind the colon stands 'log' or a step")
    if whole and not isinstance(step, float):
        return IntDistribution(first, last, step=step or 1)
    return FloatDistribution(first, last, step=step)


def _value(text: str) -> Any:
    constants = {"true": True, "false": False, "none": None}
    if text.lower() in constants:
        return constants[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
