"""Time on a device, without waiting for it until somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch


@dataclass(frozen=True)
class Lap:
    """A moment: seconds of ``perf_counter``, or an event in a CUDA stream; and how many breaks were before it."""

    moment: Any
    breaks: int


class Stopwatch:
    """Measures from its making, less the breaks.

    On CUDA, moments are events in the current stream. They cost microseconds, and only :meth:`seconds` waits until the
    device has reached one.

    Args:
        device: whose work is timed.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._began = self._moment()
        self._breaks: list[Any] = [0.0]
        self.last = self._began

    def lap(self) -> Lap:
        """This moment."""
        self.last = self._moment()
        return Lap(self.last, len(self._breaks) - 1)

    def leave_out(self) -> None:
        """Do not count the time since the last lap."""
        now = self._moment()
        self._breaks.append((self.last, now))
        self.last = now

    def seconds(self, lap: Lap) -> float:
        """From the beginning to a lap, without the breaks before it."""
        total = 0.0
        for index in range(1, lap.breaks + 1):
            if isinstance(self._breaks[index], tuple):
                self._breaks[index] = self._breaks[index - 1] + self._between(*self._breaks[index])
            total = self._breaks[index]
        return self._between(self._began, lap.moment) - total

    def _moment(self) -> Any:
        if not self._cuda:
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _between(self, first: Any, second: Any) -> float:
        if not self._cuda:
            return float(second - first)
        second.synchronize()
        return float(first.elapsed_time(second)) / 1000
