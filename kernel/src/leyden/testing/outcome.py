"""What became of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Outcome:
    """What a run did, and what it left behind.

    Attributes:
        exception: what it raised, ``None`` when it ended well.
        result: what the last of its calls (``fit``, ``test`` …) returned.
        trainer: the Trainer; ``None`` when it could not be made.
        module: the module.
        events: the names of the hooks fired, in order.
        metrics: ``trainer.callback_metrics`` as plain numbers.
        files: files that were made or changed, relative to the run's folder.
        threads: threads that are still there.
        processes: child processes that are still there.
        handles: files, sockets and pipes that are still open.
        settings: settings of the process (signal handlers, environment, torch's global flags …) that are no longer
            what they were.
        stdout: what was printed.
        stderr: what was printed as errors.
        warnings: the texts of the warnings.
    """

    exception: BaseException | None = None
    result: Any = None
    trainer: Any = None
    module: Any = None
    events: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    handles: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[str]:
        """Threads, processes and handles that are still there."""
        return [*self.threads, *self.processes, *self.handles]

    def ok(self) -> Self:
        """The outcome itself when the run ended well; otherwise its exception is raised.

        Raises:
            BaseException: what the run raised.
        """
        if self.exception is not None:
            raise self.exception
        return self
