"""Progress as plain lines, for log files."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leyden_callback_progress.checks import number_of
from leyden_callback_progress.staged import StagedProgressBar
from leyden_callback_progress.throttle import Throttle

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class LogProgressBar(StagedProgressBar):
    """Writes whole lines to standard output, few of them; made for log files, ``nohup`` and CI.

    A line is written every ``interval`` seconds, at the end of training epochs (at most one in
    ``epoch_interval`` seconds), and at the end of the run.

    Args:
        interval: seconds between two lines within an epoch; 0 writes a line for every batch.
        epoch_interval: the least number of seconds between the lines of two epochs' ends; 0 writes them all.

    Raises:
        leyden.errors.ConfigurationError: an interval is no number, or negative.
    """

    def __init__(self, interval: float = 30.0, epoch_interval: float = 1.0) -> None:
        super().__init__(Throttle(number_of("interval", interval, "seconds", whole=False)))
        self.epoch_throttle: Throttle = Throttle(
            number_of("epoch_interval", epoch_interval, "seconds", whole=False)
        )
        self._passes: dict[str, _Pass] = {}
        self._last = ""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        self._last = ""
        self.throttle.postpone()
        self.epoch_throttle.postpone()

    def open(self, stage: str) -> None:
        self.restart(stage, "", float("inf"))

    def restart(self, stage: str, description: str, total: float) -> None:
        skipped = self.skipped if stage == "train" else 0
        self._passes[stage] = _Pass(description, total, skipped, self.throttle.clock())

    def epoch_description(self, trainer: Trainer) -> str:
        last = trainer.max_epochs
        return f"Epoch {trainer.current_epoch}" + (f"/{last - 1}" if last is not None and last > 0 else "")

    def draw(self, stage: str, n: int) -> None:
        metrics = self.get_metrics(self.trainer, self.trainer.lightning_module) if stage == "train" else {}
        line = self._passes[stage].line(n, self.throttle.clock(), metrics)
        if self._passes[stage].head(n) != self._last:
            self._last = self._passes[stage].head(n)
            print(line, file=sys.stdout, flush=True)

    def close(self, stage: str) -> None:
        del self._passes[stage]


class _Pass:
    """One epoch, or one pass over a loader."""

    def __init__(self, description: str, total: float, skipped: int, began: float) -> None:
        self.description, self.total, self.skipped, self.began = description, total, skipped, began

    def head(self, n: int) -> str:
        """How far it is."""
        if self.total == float("inf"):
            return f"{self.description}: {n} batches"
        share = f" ({100 * n // self.total:.0f}%)" if self.total else ""
        return f"{self.description}: {n}/{self.total:.0f}{share}"

    def line(self, n: int, now: float, metrics: dict[str, Any]) -> str:
        """The line after ``n`` batches."""
        seconds = now - self.began
        rate = (n - self.skipped) / seconds if seconds > 0 else 0.0
        times = clock_time(seconds)
        if rate and n < self.total < float("inf"):
            times += f" < {clock_time((self.total - n) / rate)}"
        values = (f"{name}={shown(value)}" for name, value in metrics.items())
        return " ".join([f"{self.head(n)} [{times}, {rate:.2f} it/s]", *values])


def clock_time(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    return str(timedelta(seconds=int(seconds)))


def shown(value: Any) -> str:
    """A metric as it stands in a line: numbers with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
