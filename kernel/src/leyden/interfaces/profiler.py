"""Profilers: what takes how long."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from leyden.api.rank_zero import rank_zero_info

_NOT_IN_FILE_NAMES = re.compile(r'[\\/:*?"<>|\s_]+')


class Profiler(ABC):
    """Measures named actions. Bound around hooks only while a run has one, so that none costs nothing.

    Args:
        dirpath: where the report goes; the run's ``log_dir`` when ``None``.
        filename: the report's name, without the extension; ``None`` logs the report on rank zero instead.
    """

    _stage: str | None = None
    _local_rank: int | None = None
    dirpath: str | os.PathLike[str] | None = None
    filename: str | None = None

    def __init__(self, dirpath: str | os.PathLike[str] | None = None, filename: str | None = None) -> None:
        self.dirpath = dirpath
        self.filename = filename

    @abstractmethod
    def start(self, action_name: str) -> None:
        """An action begins."""

    @abstractmethod
    def stop(self, action_name: str) -> None:
        """An action has ended."""

    @property
    def local_rank(self) -> int:
        """The rank on this machine that the run has; 0 outside one."""
        return self._local_rank or 0

    def setup(self, stage: str, local_rank: int | None = None, log_dir: str | None = None) -> None:
        """A run begins.

        Args:
            stage: ``"fit"``, ``"validate"``, ``"test"`` or ``"predict"``.
            local_rank: the rank on this machine.
            log_dir: where the run's files go.
        """
        self._stage, self._local_rank = stage, local_rank
        self.dirpath = self.dirpath or log_dir

    def summary(self) -> str:
        """The report as text."""
        return ""

    def describe(self) -> None:
        """Write the report to its file, or log it."""
        text = self.summary()
        if text and self.filename and self.dirpath:
            path = Path(self.dirpath) / self.file_name()
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        elif text and self.local_rank == 0:
            rank_zero_info(text)
        self.teardown(self._stage)

    def teardown(self, stage: str | None) -> None:
        """The run has ended."""

    @contextmanager
    def profile(self, action_name: str) -> Iterator[str]:
        """Measure the body of a ``with`` statement."""
        try:
            self.start(action_name)
            yield action_name
        finally:
            self.stop(action_name)

    def file_name(self, action_name: str | None = None, extension: str = ".txt") -> str:
        """The name of a file of this run: stage, ``filename``, rank and action, those that are known, in this order."""
        rank = None if self._local_rank is None else str(self._local_rank)
        parts = [one for one in (self._stage, self.filename, rank, action_name) if one]
        return (_NOT_IN_FILE_NAMES.sub("_", "-".join(parts)).strip() or "profile") + extension

    def titled(self, sections: Mapping[str, str]) -> str:
        """A report made of a text for each action."""
        rank = "" if self._local_rank is None else f" rank: {self._local_rank}"
        lines = [f"{self._stage.upper()} Profiler Report" if self._stage else "Profiler Report"]
        for action, text in sections.items():
            lines += [f"Profile stats for: {action}{rank}", text]
        return os.linesep.join(lines)
