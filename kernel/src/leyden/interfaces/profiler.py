"""Profilers: what takes how long."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager


class Profiler(ABC):
    """Measures named actions. Bound around hooks only while a run has one, so that none costs nothing."""

    @abstractmethod
    def start(self, action_name: str) -> None:
        """An action begins."""

    @abstractmethod
    def stop(self, action_name: str) -> None:
        """An action has ended."""

    def setup(self, stage: str, local_rank: int | None = None, log_dir: str | None = None) -> None:
        """A run begins."""

    def summary(self) -> str:
        """The report as text."""
        return ""

    def describe(self) -> None:
        """Give the report to the user."""

    def teardown(self, stage: str | None) -> None:
        """The run has ended."""

    @contextmanager
    def profile(self, action_name: str) -> Iterator[str]:
        """Measure the body of a ``with`` statement."""
        self.start(action_name)
        try:
            yield action_name
        finally:
            self.stop(action_name)
