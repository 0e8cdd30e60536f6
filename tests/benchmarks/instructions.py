"""Where a step's own time goes: ``python -m tests.benchmarks.instructions`` prints a profile.

Counted are the bytecode instructions that functions of Leyden execute in a step, as the slope between N and 3N steps;
each costs 10 to 20 ns. Unlike time they depend on Python's version alone, so a gate in the tests can hold them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from tests.benchmarks import everything, subjects
from tests.benchmarks.subjects import TINY

STEPS = 20
PROFILE: dict[str, Callable[[int], Any]] = {
    "training": lambda count: subjects.fit("leyden", TINY, count),
    "validation": lambda count: subjects.validate("leyden", TINY, count),
    "training, 1 metric": lambda count: subjects.fit("leyden", TINY, count, 1),
    "training, everything on": lambda count: everything.with_framework("leyden", TINY, count),
}
"""What is profiled."""


def a_step(run: Callable[[int], Any]) -> dict[str, float]:
    """Instructions of one step of ``run(steps)``, by function of Leyden."""
    run(3 * STEPS)
    once, thrice = counted(lambda: run(STEPS)), counted(lambda: run(3 * STEPS))
    found = {name: (thrice[name] - once[name]) / (2 * STEPS) for name in thrice}
    return {name: one for name, one in sorted(found.items(), key=lambda item: -item[1]) if one >= 0.5}


def counted(program: Callable[[], object]) -> Counter[str]:
    """The instructions that each function of Leyden executes while a program runs."""
    found: Counter[str] = Counter()

    def inside(frame: FrameType, event: str, argument: object) -> Any:
        if event == "opcode":
            found[named(frame)] += 1
        return inside

    def enter(frame: FrameType, event: str, argument: object) -> Any:
        if not own(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return inside

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        program()
    finally:
        sys.settrace(before)
    return found


def own(path: str) -> bool:
    """Whether a file is part of Leyden; the clone, with everything in its environment, may be a folder of that name."""
    parts = Path(path).parts
    packages = [part for place, part in pairwise(parts) if place in ("src", "site-packages")]
    return any(part == "leyden" or part.startswith("leyden_") for part in packages)


def named(frame: FrameType) -> str:
    """A function's module and name."""
    return f"{frame.f_globals['__name__'].removeprefix('leyden.')}.{frame.f_code.co_qualname}"


def main() -> None:
    """Print the profile."""
    for title, run in PROFILE.items():
        found = a_step(run)
        print(f"\n| {title}: {sum(found.values()):.0f} instructions a step | |\n|---|---|")
        for name, one in found.items():
            print(f"| `{name.replace('.<locals>', '')}` | {one:.1f} |")


if __name__ == "__main__":
    main()
