"""The columns of a row."""

from __future__ import annotations

from datetime import timedelta

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.style import Style
from rich.table import Column
from rich.text import Text

from leyden_callback_progress_rich.theme import RichProgressBarTheme


def standard_columns(theme: RichProgressBarTheme) -> list[ProgressColumn]:
    """Description, bar, batches, times and speed."""
    return [
        TextColumn("[progress.description]{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(
            bar_width=None,
            complete_style=theme.progress_bar,
            finished_style=theme.progress_bar_finished,
            pulse_style=theme.progress_bar_pulse,
        ),
        BatchesColumn(theme.batch_progress),
        TimeColumn(theme.time),
        SpeedColumn(theme.processing_speed),
    ]


class StyledColumn(ProgressColumn):
    """A column of one line of text in one style."""

    def __init__(self, style: str | Style) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self.style = style


class BatchesColumn(StyledColumn):
    """Batches done and in all."""

    def render(self, task: Task) -> Text:
        total = "--" if task.total is None else f"{task.total:.0f}"
        return Text(f"{task.completed:.0f}/{total}", style=self.style)


class TimeColumn(StyledColumn):
    """Time elapsed and time left."""

    def render(self, task: Task) -> Text:
        rate = speed(task)
        left = (task.total - task.completed) / rate if task.total is not None and rate else None
        return Text(f"{_clock(seconds(task))} • {_clock(left)}", style=self.style)


class SpeedColumn(StyledColumn):
    """Batches a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{speed(task):.2f}it/s", style=self.style)


def seconds(task: Task) -> float:
    """How long a task runs, or ran."""
    return (task.finished_time if task.finished else task.elapsed) or 0.0


def speed(task: Task) -> float:
    """Batches a second since the task began, without those that an earlier run did."""
    passed = seconds(task)
    done = task.completed - float(task.fields.get("skipped", 0))
    return max(done, 0.0) / passed if passed > 0 else 0.0


def _clock(value: float | None) -> str:
    return "-:--:--" if value is None else str(timedelta(seconds=int(value)))
