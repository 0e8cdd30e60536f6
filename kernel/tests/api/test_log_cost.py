"""What ``self.log`` costs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet


def calls_in(program: Callable[[], object]) -> int:
    """Interpreter calls (of Python and of C functions) that a program makes, its own not counted."""
    events: list[str] = []
    sys.setprofile(lambda frame, event, argument: events.append(event))
    try:
        program()
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in events) - 2  # the program, and sys.setprofile


@pytest.mark.parametrize("kind", ["tensor", "number"])
def test_a_known_key_costs_15_calls_at_most(kind: str) -> None:
    costs: list[int] = []

    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        value = self.layer.weight.sum() if kind == "tensor" else 1.0
        costs.append(calls_in(lambda: self.log("x", value, on_step=True, on_epoch=True)))
        return self(batch).mean()

    quiet().fit(Linear(training_step=step), numbers(10))
    assert 0 < max(costs[1:]) <= 15
