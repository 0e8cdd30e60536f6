"""Which functions the time of each action goes to."""

from __future__ import annotations

import os
from cProfile import Profile
from io import StringIO
from pathlib import Path
from pstats import Stats
from typing import Any

from leyden.errors import ConfigurationError
from leyden.interfaces.profiler import Profiler


class AdvancedProfiler(Profiler):
    """Runs Python's cProfile over each action, and reports its functions by cumulative time.

    cProfile knows one running profile: while an action runs inside another, the outer one is not recorded.

    Args:
        dirpath: where the report goes; the run's ``log_dir`` when ``None``.
        filename: the report's name, without ``.txt``; ``None`` logs the report instead.
        line_count_restriction: how many functions are shown for each action: an int is a count, a float from 0.0 to 1.0
            a fraction.
        dump_stats: also write each action's profile to ``dirpath``, as ``.prof`` for pstats or snakeviz.

    Attributes:
        profiled_actions: the profile of each action.
    """

    def __init__(
        self,
        dirpath: str | os.PathLike[str] | None = None,
        filename: str | None = None,
        line_count_restriction: float = 1.0,
        dump_stats: bool = False,
    ) -> None:
        super().__init__(dirpath, filename)
        self.line_count_restriction = line_count_restriction
        self.dump_stats = dump_stats
        self.profiled_actions: dict[str, Profile] = {}
        self._running: list[str] = []

    def start(self, action_name: str) -> None:
        if self._running:
            self.profiled_actions[self._running[-1]].disable()
        self._running.append(action_name)
        self.profiled_actions.setdefault(action_name, Profile()).enable()

    def stop(self, action_name: str) -> None:
        """An action has ended; the one around it is recorded again.

        Raises:
            leyden.errors.ConfigurationError: it was never started.
        """
        profile = self.profiled_actions.get(action_name)
        if profile is None:
            raise ConfigurationError(
                f"Attempting to stop recording an action ({action_name}) which was never started."
            )
        profile.disable()
        while self._running and self._running.pop() != action_name:
            pass
        if self._running:
            self.profiled_actions[self._running[-1]].enable()

    def setup(self, stage: str, local_rank: int | None = None, log_dir: str | None = None) -> None:
        """A run begins.

        Raises:
            leyden.errors.ConfigurationError: ``dump_stats`` without any folder.
        """
        super().setup(stage, local_rank, log_dir)
        if self.dump_stats and not self.dirpath:
            raise ConfigurationError.about(
                "dump_stats", True, "False without dirpath and without a logger", "Give dirpath."
            )

    def summary(self) -> str:
        sections = {}
        for action, profile in self.profiled_actions.items():
            profile.disable()
            if self.dump_stats and self.dirpath:
                path = Path(self.dirpath) / self.file_name(action, ".prof")
                path.parent.mkdir(parents=True, exist_ok=True)
                profile.dump_stats(path)
            text = StringIO()
            stats = Stats(profile, stream=text).strip_dirs().sort_stats("cumulative")
            stats.print_stats(self.line_count_restriction)
            sections[action] = text.getvalue()
        return self.titled(sections)

    def teardown(self, stage: str | None) -> None:
        for profile in self.profiled_actions.values():
            profile.disable()
        self.profiled_actions.clear()
        self._running.clear()

    def __getstate__(self) -> dict[str, Any]:
        # a cProfile.Profile cannot be pickled
        return {**self.__dict__, "profiled_actions": {}, "_running": []}
