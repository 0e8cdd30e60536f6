"""``Throughput``: rates over a window of updates."""

from __future__ import annotations

from collections import deque
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError


class Throughput:
    """Rates over the last updates: batches, samples, items and FLOPs a second, for each device and for all.

    Args:
        available_flops: the peak of one device in FLOPs a second, for the utilization (MFU).
        world_size: devices; rates of all together are given when there is more than one.
        window_size: updates that count, at least 2.
        separator: stands between ``device`` and the names of rates of one device.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        available_flops: float | None = None,
        world_size: int = 1,
        window_size: int = 100,
        separator: str = "/",
    ) -> None:
        if available_flops is not None and not _positive(available_flops, int | float):
            raise ConfigurationError.about("available_flops", available_flops, "a number above 0, or None")
        if not _positive(world_size, int):
            raise ConfigurationError.about("world_size", world_size, "an int of at least 1")
        if not _positive(window_size, int) or window_size < 2:
            raise ConfigurationError.about("window_size", window_size, "an int of at least 2")
        if not isinstance(separator, str):
            raise ArgumentTypeError.about("separator", separator, "text")
        self.available_flops, self.world_size, self.separator = available_flops, world_size, separator
        self.window_size = window_size
        self._time: deque[float] = deque(maxlen=window_size)
        self._batches: deque[int] = deque(maxlen=window_size)
        self._samples: deque[int] = deque(maxlen=window_size)
        self._lengths: deque[int] = deque(maxlen=window_size)
        self._flops: deque[float] = deque(maxlen=window_size)

    def update(
        self,
        *,
        time: float,
        batches: int,
        samples: int,
        lengths: int | None = None,
        flops: float | None = None,
    ) -> None:
        """Add what was done so far; all but ``flops`` are totals and grow with each call.

        Args:
            time: seconds.
            batches: batches of this device.
            samples: samples of this device.
            lengths: items (tokens, pixels …) in these samples; in each call or in none.
            flops: FLOPs of this device since the last call.

        Raises:
            leyden.errors.ConfigurationError: a total does not grow, or there are fewer items than samples or fewer
                samples than batches.
        """
        if samples < batches:
            raise ConfigurationError.about("samples", samples, f"at least one for each of {batches} batches")
        if lengths is not None and lengths < samples:
            raise ConfigurationError.about("lengths", lengths, f"at least one for each of {samples} samples")
        if self._time and (lengths is None) is bool(self._lengths):
            raise ConfigurationError("lengths are given in every update of a Throughput or in none.")
        _grow("time", self._time, time)
        _grow("batches", self._batches, batches)
        _grow("samples", self._samples, samples)
        if lengths is not None:
            _grow("lengths", self._lengths, lengths)
        if flops is not None:
            self._flops.append(flops * self.world_size)

    def compute(self) -> dict[str, int | float]:
        """The totals, and the rates once the window is full."""
        totals: dict[str, deque[Any]] = {
            "time": self._time,
            "batches": self._batches,
            "samples": self._samples,
            "lengths": self._lengths,
        }
        found: dict[str, int | float] = {name: one[-1] for name, one in totals.items() if one}
        if len(self._time) < self.window_size:
            return found
        seconds = self._time[-1] - self._time[0]
        for name, total in (("batches", "batches"), ("samples", "samples"), ("items", "lengths")):
            values = totals[total]
            if values:
                self._rate(found, f"{name}_per_sec", (values[-1] - values[0]) / seconds)
        if len(self._flops) == self.window_size:
            rate = (sum(self._flops) - self._flops[0]) / seconds / self.world_size
            self._rate(found, "flops_per_sec", rate)
            if self.available_flops:
                found[f"device{self.separator}mfu"] = rate / self.available_flops
        return found

    def _rate(self, found: dict[str, int | float], name: str, rate: float) -> None:
        found[f"device{self.separator}{name}"] = rate
        if self.world_size > 1:
            found[name] = rate * self.world_size

    def reset(self) -> None:
        """Forget all updates."""
        for one in (self._time, self._batches, self._samples, self._lengths, self._flops):
            one.clear()


def _positive(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and value > 0


def _grow(name: str, values: deque[Any], value: Any) -> None:
    if values and value <= values[-1]:
        raise ConfigurationError.about(name, value, f"more than the last, {values[-1]}")
    values.append(value)
