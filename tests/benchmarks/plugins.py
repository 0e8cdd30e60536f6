"""What 200 installed hook plugins cost a run: ``python -m tests.benchmarks.plugins`` prints it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from leyden.kernel.events import EVENTS
from leyden.testing import FakeDists
from tests.benchmarks import subjects

COUNT = 200
ROUNDS = 7


def install(dists: FakeDists, count: int = COUNT) -> None:
    """Install so many distributions with a hook plugin each, none of which listens to a step."""
    hooks = [name for name, event in EVENTS.items() if event.family in ("run", "epoch")]
    for number in range(count):
        name = f"acme_idle_{number}"
        source = f"def {hooks[number % len(hooks)]}(): pass\n"
        points = {"leyden.plugins": {f"idle{number}": name}}
        dists(name.replace("_", "-"), points, {name: source}, requires=["leyden-kernel~=0.1.0"])


def a_run() -> float:
    """Seconds of a fit of one batch, Trainer included; the median of several."""
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        subjects.fit("leyden", subjects.TINY, 1)
        times.append(perf_counter() - began)
    return statistics.median(times)


def listing() -> tuple[float, float]:
    """Seconds of an interpreter that does nothing, and of ``leyden plugins list``."""

    def of(*command: str) -> float:
        times = []
        for _ in range(ROUNDS):
            began = perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            times.append(perf_counter() - began)
        return statistics.median(times)

    return of("-c", ""), of("-m", "leyden.cli", "plugins", "list")


def main() -> None:
    """Print milliseconds a plugin at a run's start: the first run, which imports them, and later ones."""
    subjects.fit("leyden", subjects.TINY, 1)
    bare = a_run()
    with tempfile.TemporaryDirectory() as folder, FakeDists(Path(folder)) as dists:
        install(dists)
        began = perf_counter()
        subjects.fit("leyden", subjects.TINY, 1)
        first, later = perf_counter() - began, a_run()
    print(f"a run of one batch: {bare * 1e3:.1f} ms")
    print(f"each of {COUNT} plugins adds {(first - bare) / COUNT * 1e3:.3f} ms to the first run (imports)")
    print(f"                    and {(later - bare) / COUNT * 1e3:.3f} ms to a later one")
    nothing, listed = listing()
    print(f"leyden plugins list: {listed * 1e3:.0f} ms, of which Python itself {nothing * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
