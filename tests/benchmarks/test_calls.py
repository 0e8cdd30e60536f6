"""A training step costs few calls more than the loop written by hand."""

from __future__ import annotations

import pytest

from tests.benchmarks import calls


@pytest.fixture(scope="module")
def bare() -> calls.Calls:
    """Calls of one step of the bare Trainer."""
    return calls.of("leyden")


def test_counting_tells_python_from_c() -> None:
    def both() -> int:
        return len(())

    assert calls.counted(both).over(calls.counted(lambda: None)) == calls.Calls(python=0, c=1)
    assert calls.a_step(lambda steps: [both() for _ in range(steps)]) == calls.Calls(python=1, c=1)


def test_the_bare_trainer_adds_25_calls_a_step_at_most(bare: calls.Calls) -> None:
    assert bare.over(calls.by_hand()).both <= 25


def test_ten_callbacks_that_override_nothing_add_no_call(bare: calls.Calls) -> None:
    assert calls.of("leyden", calls.idle) == bare


def test_ten_callbacks_that_override_a_hook_add_20_calls_at_most(bare: calls.Calls) -> None:
    assert 10 <= calls.of("leyden", calls.listening).over(bare).both <= 20
