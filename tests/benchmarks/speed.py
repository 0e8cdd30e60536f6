"""Time of one step over that of a hand-written loop: ``python -m tests.benchmarks.speed`` prints a table.

A program's time a step is the slope between N and 3N steps, so that start and end of a run vanish. Programs
take turns in every round, so that a change of the machine's load meets all of them; the table shows medians
of the rounds' ratios. The clock is processor time, on one pinned core. Before training is timed, all programs must have
ended with the same weights.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from tests.benchmarks import everything, peers, schemes, subjects
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
        trains: whether they return a network, whose weights must be the same.
    """

    title: str
    steps: int
    programs: dict[str, Program]
    trains: bool = True


def training(name: str, task: Task, steps: int, metrics: int = 0) -> Case:
    """Train a task; frameworks log ``metrics`` values a step, the loop by hand logs none."""
    programs: dict[str, Program] = {BY_HAND: partial(subjects.fit_by_hand, task)}
    for framework in subjects.available():
        programs[framework] = partial(_fit, framework, task, metrics=metrics)
    if not metrics:
        programs |= {peer: partial(peers.PEERS[peer][1], task) for peer in peers.available()}
    logged = f", {metrics} metric{'s' * (metrics > 1)} logged" if metrics else ""
    return Case(f"{name}, training{logged}", steps, programs)


def _fit(framework: str, task: Task, batches: int, metrics: int) -> nn.Module:
    return subjects.fit(framework, task, batches, metrics)


def evaluation(name: str, task: Task, steps: int) -> Case:
    """Validate a task."""
    programs: dict[str, Program] = {BY_HAND: partial(subjects.validate_by_hand, task)}
    programs |= {one: partial(subjects.validate, one, task) for one in subjects.available()}
    programs |= {peer: partial(peers.PEERS[peer][2], task) for peer in peers.available()}
    return Case(f"{name}, validation", steps, programs, trains=False)


def of_frameworks(title: str, steps: int, hand: Program, program: Callable[..., object]) -> Case:
    """A case that only frameworks with the same features take part in.

    Args:
        title: what is measured.
        steps: N.
        hand: the loop by hand.
        program: ``program(framework, steps)``.
    """
    return Case(title, steps, {BY_HAND: hand, **{one: partial(program, one) for one in subjects.available()}})


def _with_everything(task: Task, framework: str, count: int) -> nn.Module:
    return everything.with_framework(framework, task, count)


def _manual(optimizers: int, framework: str, count: int) -> nn.Module:
    return schemes.manual(framework, TINY, count, optimizers)


def cases(small: int) -> dict[str, Callable[[], Case]]:
    """Every line of the table, by a short name; ``small`` is N of the smaller task."""
    large, few = max(small // 3, 2), max(small // 15, 2)
    found: dict[str, Callable[[], Case]] = {
        "T": lambda: training("T", TINY, small),
        "T-eval": lambda: evaluation("T", TINY, small),
        "M": lambda: training("M", MLP, large),
        "M-eval": lambda: evaluation("M", MLP, large),
        "epochs": lambda: of_frameworks(
            "T, an epoch of 5 batches and its validation", few, schemes.epochs_by_hand, schemes.epochs
        ),
    }
    for metrics in (1, 5, 20):
        found[f"T-{metrics}"] = partial(training, "T", TINY, small, metrics)
    for name, task, steps in (("T", TINY, small), ("M", MLP, large)):
        hand: Program = partial(everything.by_hand, task)
        found[f"{name}-all"] = partial(
            of_frameworks, f"{name}, everything on", steps, hand, partial(_with_everything, task)
        )
    for optimizers in (1, 2):
        title = f"T, manual optimization, {optimizers} optimizer{'s' * (optimizers > 1)}"
        hand = partial(schemes.manual_by_hand, TINY, optimizers=optimizers)
        found[f"T-manual-{optimizers}"] = partial(
            of_frameworks, title, small, hand, partial(_manual, optimizers)
        )
    return found


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
    """Processor time of ``run(steps)``."""
    started = time.process_time()
    run(steps)
    return time.process_time() - started


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


def ratios(case: Case, rounds: int) -> tuple[float, dict[str, float]]:
    """Seconds of a step by hand, and how many times as long each other program takes: medians."""
    if case.trains:
        check_weights(case.programs, steps=5)
    table = measure(case, rounds)
    base = table.pop(BY_HAND)
    return statistics.median(base), {
        name: statistics.median(mine / hand for mine, hand in zip(times, base, strict=True))
        for name, times in table.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=300, help="N of the smaller task")
    parser.add_argument("--only", nargs="*", help="names of cases")
    parser.add_argument("--figures", type=Path, help="a file for the ratios, for tests.benchmarks.picture")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    columns = [*subjects.available(), *peers.available()]
    print(f"| | {BY_HAND} | " + " | ".join(columns) + " |\n" + "|---" * (2 + len(columns)) + "|")
    figures = {}
    for name, make in cases(arguments.steps).items():
        if arguments.only and name not in arguments.only:
            continue
        case = make()
        base, found = ratios(case, arguments.rounds)
        figures[case.title] = found
        cells = " | ".join(f"{found[one]:.2f}" if one in found else "" for one in columns)
        print(f"| {case.title} | {base * 1e6:.0f} µs | {cells} |", flush=True)
    if arguments.figures:
        arguments.figures.parent.mkdir(parents=True, exist_ok=True)
        arguments.figures.write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
