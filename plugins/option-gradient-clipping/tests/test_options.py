from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_option_gradient_clipping import GradientClipAlgorithm, GradientClipVal


class Configured(SimpleNamespace):
    """What a Trainer offers to an option."""

    def __init__(self, fn: str = "fit") -> None:
        super().__init__(listeners=[], state=SimpleNamespace(fn=fn))

    def add_listener(self, listener: Any) -> None:
        self.listeners.append(listener)

    def start(self, automatic: bool) -> None:
        for listener in self.listeners:
            listener.leyden_run_start(self, SimpleNamespace(automatic_optimization=automatic))


@pytest.mark.parametrize("value", [None, 0, 0.0, 1, 0.5, 1e-8])
def test_a_bound_is_kept_as_it_is(value: Any) -> None:
    option, trainer = GradientClipVal(), Configured()
    option.apply(option.validate(value, {}), trainer)
    assert trainer.gradient_clip_val is value


@pytest.mark.parametrize("value", ["1", True, False, [1.0], {}, 1j])
def test_a_bound_of_another_type_is_a_type_error(value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"gradient_clip_val=.*finite number >= 0") as caught:
        GradientClipVal().validate(value, {})
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf"), float("-inf")])
def test_a_bound_that_cannot_be_met_is_refused(value: float) -> None:
    with pytest.raises(ConfigurationError, match="gradient_clip_val=") as caught:
        GradientClipVal().validate(value, {})
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), ("norm", "norm"), ("value", "value"), ("NORM", "norm")]
)
def test_an_algorithm_is_kept_in_lower_case(value: Any, expected: Any) -> None:
    option, trainer = GradientClipAlgorithm(), Configured()
    option.apply(option.validate(value, {}), trainer)
    assert trainer.gradient_clip_algorithm == expected
    assert trainer.listeners == []


@pytest.mark.parametrize("value", ["max", "", "norm "])
def test_another_algorithm_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'norm' .*'value'"):
        GradientClipAlgorithm().validate(value, {})


@pytest.mark.parametrize("value", [1, True, ["norm"]])
def test_an_algorithm_of_another_type_is_a_type_error(value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="gradient_clip_algorithm="):
        GradientClipAlgorithm().validate(value, {})


def test_a_bound_contradicts_manual_optimization() -> None:
    trainer = Configured()
    GradientClipVal().apply(0.5, trainer)
    trainer.start(automatic=True)
    with pytest.raises(ConfigurationError, match=r"gradient_clip_val=0.5 .*self\.clip_gradients"):
        trainer.start(automatic=False)


@pytest.mark.parametrize("value", [None, 0, 0.0])
def test_no_bound_contradicts_nothing_and_costs_nothing(value: Any) -> None:
    trainer = Configured()
    GradientClipVal().apply(value, trainer)
    trainer.start(automatic=False)
    assert trainer.listeners == []


@pytest.mark.parametrize("fn", ["validate", "test", "predict"])
def test_where_nothing_is_optimized_nothing_is_contradicted(fn: str) -> None:
    trainer = Configured(fn)
    GradientClipVal().apply(0.5, trainer)
    trainer.start(automatic=False)


def test_a_bound_that_was_taken_back_contradicts_nothing() -> None:
    trainer = Configured()
    GradientClipVal().apply(0.5, trainer)
    trainer.gradient_clip_val = None
    trainer.start(automatic=False)
