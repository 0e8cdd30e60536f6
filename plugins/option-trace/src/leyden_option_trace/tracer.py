"""Measures the calls of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from leyden.api.rank_zero import rank_zero_info
from leyden_option_trace.report import chrome, picture, table
from leyden_profiler.listener import EPOCH, RunWatcher

MOST_EVENTS = 200_000
"""Calls that the Chrome trace holds (about 20 MB); the table counts all."""


@dataclass(slots=True)
class Cost:
    """What the calls of one owner in one hook or phase took together, in ns.

    Attributes:
        own: without the measured calls inside them.
    """

    owner: str
    name: str
    origin: str
    calls: int = 0
    total: int = 0
    own: int = 0


class Tracer(RunWatcher):
    """Times every call, and says at the end of a run where the time went.

    Args:
        folder: where the files go; ``trace`` in the run's ``log_dir`` when ``None``.
    """

    def __init__(self, folder: str | None) -> None:
        self.folder = folder
        self._costs: dict[tuple[str, str], Cost] = {}
        self._events: list[tuple[Cost, int, int]] = []
        self._children: list[int] = []
        self._labels: dict[str, str] = {}
        self._left_out = 0
        self._stage = ""
        self._began = self._epoch_began = 0

    def begin(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self._stage = stage

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """Everything is counted from here."""
        self._costs, self._events, self._children, self._left_out = {}, [], [0], 0
        self._began = perf_counter_ns()
        super().leyden_run_start(trainer, pl_module)

    def epoch(self, starts: bool) -> None:
        if starts:
            self._epoch_began = perf_counter_ns()
            return
        # Known only afterwards, so that what ran inside is not subtracted: the epoch is shown, not counted.
        self._note(Cost("", EPOCH, ""), self._epoch_began, perf_counter_ns())

    def around(self, owner: str, name: str, origin: str, call: Callable[..., Any]) -> Callable[..., Any]:
        cost = self._costs.setdefault((owner, name), Cost(self._label(owner), name, origin))
        children, clock, note = self._children, perf_counter_ns, self._note

        def timed(*args: Any, **kwargs: Any) -> Any:
            children.append(0)
            began = clock()
            try:
                return call(*args, **kwargs)
            finally:
                ended = clock()
                spent = ended - began
                cost.calls += 1
                cost.total += spent
                cost.own += spent - children.pop()
                children[-1] += spent
                note(cost, began, ended)

        return timed

    def _label(self, owner: str) -> str:
        """The owner without the parameters of its state key; numbered where several are of one class."""
        if owner not in self._labels:
            short = owner.partition("{")[0]
            same = sum(one.partition("{")[0] == short for one in self._labels)
            self._labels[owner] = f"{short} {same + 1}" if same else short
        return self._labels[owner]

    def _note(self, cost: Cost, began: int, ended: int) -> None:
        if len(self._events) < MOST_EVENTS:
            self._events.append((cost, began - self._began, ended - self._began))
        else:
            self._left_out += 1

    def report(self, trainer: Any) -> None:
        """Write the files; rank zero shows the table."""
        whole = perf_counter_ns() - self._began
        costs = sorted((one for one in self._costs.values() if one.calls), key=lambda one: -one.own)
        folder = Path(self.folder or os.path.join(trainer.log_dir or trainer.default_root_dir, "trace"))
        folder.mkdir(parents=True, exist_ok=True)
        rank = trainer.global_rank
        stem = self._stage if rank == 0 else f"{self._stage}-{rank}"
        chrome(folder / f"{stem}.json", self._events, rank)
        if rank:
            return
        text = table(costs, whole)
        if self._left_out:
            text += (
                f"\nThe Chrome trace ends after {MOST_EVENTS:,} calls; {self._left_out:,} more are not in it."
            )
        (folder / f"{stem}.txt").write_text(text + "\n", encoding="utf-8")
        picture(folder / f"{stem}.png", costs, whole)
        rank_zero_info(f"{self._stage}: what each hook cost (files in {folder})\n{text}")
