"""The clock of one stage."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """How long a stage has run; times are in seconds of ``time.monotonic``.

    Attributes:
        began: when it was started, ``None`` before.
        ended: when it was stopped, ``None`` while it runs.
        before: seconds that count although they passed in an earlier process.
    """

    began: float | None = None
    ended: float | None = None
    before: float = 0.0

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self.began is not None and self.ended is None

    def start(self) -> None:
        """Count from now on."""
        self.began, self.ended = time.monotonic(), None

    def stop(self) -> None:
        """Count no further."""
        if self.running:
            self.ended = time.monotonic()

    def elapsed(self) -> float:
        """Seconds so far."""
        if self.began is None:
            return self.before
        return self.before + (time.monotonic() if self.ended is None else self.ended) - self.began
