"""Interpreter calls of one training step: ``python -m tests.benchmarks.calls`` prints a table.

Counted are the events of ``sys.setprofile`` in the main thread: ``call``, a function written in Python, and
``c_call``, one written in C. The count of a step is the slope between N and 3N steps, so that what happens
once in a run vanishes. It depends on the versions of Python and torch, not on the machine or its load.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Any, NamedTuple

from tests.benchmarks import subjects

STEPS = 20


class Calls(NamedTuple):
    """A number of calls.

    Attributes:
        python: of functions written in Python.
        c: of functions written in C.
    """

    python: float
    c: float

    @property
    def both(self) -> float:
        """All of them."""
        return self.python + self.c

    def over(self, other: Calls) -> Calls:
        """What this is more than another."""
        return Calls(self.python - other.python, self.c - other.c)


def counted(program: Callable[[], object]) -> Calls:
    """The calls that a program makes."""
    events: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, argument: object) -> None:
        events[event] += 1

    before = sys.getprofile()
    gc.collect()
    gc.disable()  # a collection calls finalizers at a moment of its own
    sys.setprofile(profile)
    try:
        program()
    finally:
        sys.setprofile(before)
        gc.enable()
    return Calls(events["call"], events["c_call"])


def a_step(run: Callable[[int], object]) -> Calls:
    """Calls of one step of ``run(steps)``."""
    run(3 * STEPS)  # what happens only in a process's first run does not count
    run(STEPS)
    once, thrice = counted(lambda: run(STEPS)), counted(lambda: run(3 * STEPS))
    more = thrice.over(once)
    return Calls(more.python / (2 * STEPS), more.c / (2 * STEPS))


def by_hand() -> Calls:
    """Calls of one step of the loop without a framework."""
    return a_step(lambda steps: subjects.fit_by_hand(subjects.TINY, steps))


def of(framework: str, callbacks: Callable[[str], list[Any]] = lambda framework: []) -> Calls:
    """Calls of one step of a framework's bare Trainer.

    Args:
        framework: a key of ``subjects.FRAMEWORKS``.
        callbacks: builds the Trainer's callbacks.
    """
    return a_step(lambda steps: subjects.fit(framework, subjects.TINY, steps, callbacks=callbacks(framework)))


def idle(framework: str) -> list[Any]:
    """Ten callbacks that override nothing."""
    base = import_module(subjects.FRAMEWORKS[framework]).Callback
    return [type(f"Idle{number}", (base,), {})() for number in range(10)]


def listening(framework: str) -> list[Any]:
    """Ten callbacks that override one hook of the step."""
    base = import_module(subjects.FRAMEWORKS[framework]).Callback

    def on_train_batch_end(
        self: Any, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        pass

    body = {"on_train_batch_end": on_train_batch_end}
    return [type(f"Listening{number}", (base,), body)() for number in range(10)]


def main() -> None:
    """Print calls a step, Python and C: alone, and what ten callbacks add."""
    print(f"{'python + C calls a step':24}{'bare':>16}{'10 idle':>16}{'10 listening':>16}")
    print(f"{'by hand':24}{_cell(by_hand())}")
    for framework in subjects.available():
        bare = of(framework)
        added = [of(framework, callbacks).over(bare) for callbacks in (idle, listening)]
        print(f"{framework:24}{_cell(bare)}" + "".join(map(_cell, added)))


def _cell(calls: Calls) -> str:
    return f"{calls.python:.1f} + {calls.c:.1f}".rjust(16)


if __name__ == "__main__":
    main()
