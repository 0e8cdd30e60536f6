"""Time of one step over that of a hand-written loop: ``python -m tests.benchmarks.speed`` prints a table.

A program's time a step is the slope between N and 3N steps, so that start and end of a run vanish. Programs
take turns in every round, so that a change of the machine's load meets all of them; the table shows medians
of the rounds' ratios. Before training is timed, all programs must have ended with the same weights.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from tests.benchmarks import subjects
from tests.benchmarks.subjects import MLP, TINY, Task

Program = Callable[[int], object]
BY_HAND = "by hand"


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        title: what is measured.
        steps: N.
        programs: ``run(steps)`` for the loop by hand and for every framework.
    """

    title: str
    steps: int
    programs: dict[str, Program]


def training(name: str, task: Task, steps: int, metrics: int = 0) -> Case:
    """Train a task; frameworks log ``metrics`` values a step, the loop by hand logs none."""
    programs: dict[str, Program] = {BY_HAND: lambda count: subjects.fit_by_hand(task, count)}
    for framework in subjects.available():
        programs[framework] = _fit(framework, task, metrics)
    check_weights(programs, steps=5)
    logged = f", logging {metrics}" if metrics else ""
    return Case(f"{name} training{logged}", steps, programs)


def _fit(framework: str, task: Task, metrics: int) -> Program:
    return lambda count: subjects.fit(framework, task, count, metrics)


def _validate(framework: str, task: Task) -> Program:
    return lambda count: subjects.validate(framework, task, count)


def evaluation(name: str, task: Task, steps: int) -> Case:
    """Validate a task."""
    programs: dict[str, Program] = {BY_HAND: lambda count: subjects.validate_by_hand(task, count)}
    programs |= {framework: _validate(framework, task) for framework in subjects.available()}
    return Case(f"{name} validation", steps, programs)


def check_weights(programs: dict[str, Program], steps: int) -> None:
    """Make sure that all programs do the same work.

    Raises:
        AssertionError: one of them ends with other weights than the loop by hand.
    """
    networks = {name: run(steps) for name, run in programs.items()}
    wanted = _weights(networks[BY_HAND])
    for name, network in networks.items():
        for parameter, expected in zip(_weights(network), wanted, strict=True):
            assert torch.equal(parameter, expected), f"{name} does not train as the loop by hand does"


def _weights(network: object) -> list[torch.Tensor]:
    assert isinstance(network, nn.Module)
    return list(network.state_dict().values())


def seconds(run: Program, steps: int) -> float:
    """Wall-clock time of ``run(steps)``."""
    started = time.perf_counter()
    run(steps)
    return time.perf_counter() - started


def a_step(run: Program, steps: int) -> float:
    """Seconds of one step: the slope between N and 3N."""
    once = seconds(run, steps)
    return (seconds(run, 3 * steps) - once) / (2 * steps)


def measure(case: Case, rounds: int) -> dict[str, list[float]]:
    """Seconds a step of every program, in every round."""
    for run in case.programs.values():
        a_step(run, case.steps)
    table: dict[str, list[float]] = {name: [] for name in case.programs}
    for _ in range(rounds):
        for name, run in case.programs.items():
            table[name].append(a_step(run, case.steps))
    return table


def report(case: Case, rounds: int) -> str:
    """One line: microseconds a step by hand, and each framework's ratio to it."""
    table = measure(case, rounds)
    base = table.pop(BY_HAND)
    ratios = (
        statistics.median(mine / hand for mine, hand in zip(times, base, strict=True))
        for times in table.values()
    )
    cells = "".join(f"{ratio:11.2f}x" for ratio in ratios)
    return f"{case.title:26}{statistics.median(base) * 1e6:10.0f} us{cells}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=300, help="N of the smaller task")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    small, large = arguments.steps, max(arguments.steps // 3, 2)
    print(f"{'':26}{BY_HAND:>13}" + "".join(f"{name:>12}" for name in subjects.available()))
    cases = [
        lambda: training("T", TINY, small),
        lambda: evaluation("T", TINY, small),
        *(lambda metrics=metrics: training("T", TINY, small, metrics) for metrics in (1, 5, 20)),
        lambda: training("M", MLP, large),
        lambda: evaluation("M", MLP, large),
    ]
    for case in cases:
        print(report(case(), arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
