"""The metrics: beside the rows where there is room, else on lines of their own below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.progress import ProgressColumn, Task
from rich.table import Column
from rich.text import Text

from leyden_callback_progress_rich.theme import RichProgressBarTheme

LEAST_BAR = 10
"""Cells that the bar itself keeps while metrics stand beside it."""


class MetricsColumn(ProgressColumn):
    """The metrics of a row, on one line."""

    def __init__(self, theme: RichProgressBarTheme) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self.theme = theme

    def render(self, task: Task) -> Text:
        return Text(self.theme.metrics_text_delimiter.join(self.items(task)), style=self.theme.metrics)

    def items(self, task: Task) -> list[str]:
        """Each metric as text."""
        metrics: dict[str, Any] = task.fields.get("metrics", {})
        return [f"{name}: {self._shown(value)}" for name, value in metrics.items()]

    def below(self, task: Task, width: int) -> Text:
        """The metrics on as many lines as they need; no metric is broken unless it is longer than a line."""
        return Text(
            "\n".join(filled(self.items(task), self.theme.metrics_text_delimiter, width)), self.theme.metrics
        )

    def _shown(self, value: Any) -> str:
        return format(value, self.theme.metrics_format) if isinstance(value, float) else str(value)


def filled(items: list[str], delimiter: str, width: int) -> Iterator[str]:
    """Join texts into lines of at most ``width`` cells."""
    line = ""
    for item in items:
        longer = f"{line}{delimiter}{item}" if line else item
        if line and len(longer) > width:
            yield line
            longer = item
        line = longer
    if line:
        yield line
