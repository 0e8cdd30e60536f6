"""When to redraw: seldom enough that nobody pays for it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

SHARE = 0.01
LONGEST = 1.0


class Throttle:
    """Decides whether a bar is redrawn after a batch.

    A redraw is due when the batch's number is a multiple of ``every`` and ``interval`` seconds have passed
    since the last one. Where drawing itself is slow (a remote terminal, a notebook), the interval grows so
    that drawing takes at most one hundredth of the time, but not beyond one second.

    Args:
        interval: the least number of seconds between two redraws; 0 for no limit.
        every: batches; only multiples of it are considered.
        clock: a monotonic clock in seconds.
    """

    __slots__ = ("clock", "every", "interval", "next")

    def __init__(self, interval: float = 0.1, every: int = 1, clock: Callable[[], float] = monotonic) -> None:
        self.interval, self.every, self.clock = interval, every, clock
        self.next = float("-inf")

    def due(self, n: int) -> bool:
        """Whether to redraw after batch number ``n`` (counted from 1)."""
        return self.clock() >= self.next and (self.every <= 1 or n % self.every == 0)

    def expire(self) -> None:
        """Make the next batch due."""
        self.next = float("-inf")

    def postpone(self) -> None:
        """Let an interval pass before the next batch is due."""
        self.next = self.clock() + self.interval

    def drawn(self, began: float) -> None:
        """A redraw that began at ``began`` (by :attr:`clock`) is done."""
        if not self.interval:
            return
        now = self.clock()
        pause = min((now - began) / SHARE, max(LONGEST, self.interval))
        self.next = now + max(self.interval, pause)
