"""How often each action ran, and for how long."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import fsum

from leyden.errors import ConfigurationError
from leyden.interfaces.profiler import Profiler

_EXTENDED = ("Mean duration (s)", "Num calls", "Total time (s)", "Percentage %")
_SHORT = ("Mean duration (s)", "Total time (s)")


class SimpleProfiler(Profiler):
    """Records the duration of each action.

    Args:
        dirpath: where the report goes; the run's ``log_dir`` when ``None``.
        filename: the report's name, without ``.txt``; ``None`` logs the report instead.
        extended: whether the report has columns for the number of calls and the share of the whole time, and is sorted
            by that share; otherwise it is sorted by mean duration.

    Attributes:
        recorded_durations: seconds of each call, by action.
        current_actions: when each running action began, on ``time.perf_counter``.
        start_time: when the first of all began.
    """

    def __init__(
        self,
        dirpath: str | os.PathLike[str] | None = None,
        filename: str | None = None,
        extended: bool = True,
    ) -> None:
        super().__init__(dirpath, filename)
        self.extended = extended
        self.current_actions: dict[str, float] = {}
        self.recorded_durations: defaultdict[str, list[float]] = defaultdict(list)
        self.start_time: float | None = None

    def start(self, action_name: str) -> None:
        """An action begins.

        Raises:
            leyden.errors.ConfigurationError: it is running already.
        """
        if action_name in self.current_actions:
            raise ConfigurationError(f"Attempted to start {action_name} which has already started.")
        now = time.perf_counter()
        if self.start_time is None:
            self.start_time = now
        self.current_actions[action_name] = now

    def stop(self, action_name: str) -> None:
        """An action has ended.

        Raises:
            leyden.errors.ConfigurationError: it was not running.
        """
        now = time.perf_counter()
        if action_name not in self.current_actions:
            raise ConfigurationError(
                f"Attempting to stop recording an action ({action_name}) which was never started."
            )
        self.recorded_durations[action_name].append(now - self.current_actions.pop(action_name))

    def teardown(self, stage: str | None) -> None:
        self.current_actions.clear()  # what an exception left open

    def summary(self) -> str:
        title = f"{self._stage.upper()} Profiler Report" if self._stage else "Profiler Report"
        if not self.recorded_durations:
            return os.linesep.join([title, ""])
        rows = self._extended_rows() if self.extended else self._short_rows()
        heads = _EXTENDED if self.extended else _SHORT
        return os.linesep.join([title, "", *_table(heads, rows), ""])

    def _extended_rows(self) -> list[Sequence[str]]:
        assert self.start_time is not None
        whole = time.perf_counter() - self.start_time
        sums = {action: fsum(times) for action, times in self.recorded_durations.items()}
        calls = sum(len(times) for times in self.recorded_durations.values())
        rows: list[Sequence[str]] = [("Total", "-", str(calls), f"{whole:.5}", "100 %")]
        for action in sorted(sums, key=lambda one: sums[one], reverse=True):
            count, spent = len(self.recorded_durations[action]), sums[action]
            share = f"{100 * spent / whole:.5}"
            rows.append((action, f"{spent / count:.5}", str(count), f"{spent:.5}", share))
        return rows

    def _short_rows(self) -> list[Sequence[str]]:
        means = {one: fsum(times) / len(times) for one, times in self.recorded_durations.items()}
        return [
            (one, f"{means[one]:.5}", f"{fsum(self.recorded_durations[one]):.5}")
            for one in sorted(means, key=lambda one: means[one], reverse=True)
        ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rows = [("Action", *heads), *rows]
    first = max(len(row[0]) for row in rows)
    # Columns end at tab stops, as in Lightning's reports, which programs compare.
    cells = (f"|  {row[0]:<{first}}\t|" + "".join(f"  {cell:<15}\t|" for cell in row[1:]) for row in rows)
    lines = [one.expandtabs() for one in cells]
    rule = "-" * len(lines[0])
    return [rule, lines[0], rule, *lines[1:], rule]
