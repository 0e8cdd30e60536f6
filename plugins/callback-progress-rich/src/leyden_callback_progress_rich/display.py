"""The rows on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID

from leyden_callback_progress_rich.metrics import LEAST_BAR, MetricsColumn

Columns = tuple[ProgressColumn, ...]


class Display(Progress):
    """Rows of progress, drawn only when :meth:`refresh` is called: no thread draws them.

    In a terminal they are rich's live display, in a notebook one output that is updated in place.

    Args:
        columns: the columns of a row.
        metrics: the column of the metrics, which stands last, or below the rows.
        console: where to.
        plain: write rows when told to, and redraw nothing.
    """

    def __init__(
        self, *columns: ProgressColumn, metrics: MetricsColumn, console: Console, plain: bool = False
    ) -> None:
        # rich renders while it initializes
        self.bare, self.metrics = columns, metrics
        self.held = self.silent = plain
        self.handle: Any = None
        super().__init__(*columns, console=console, auto_refresh=False)

    def start(self) -> None:
        """Show the rows."""
        if self.silent:
            return
        if self.console.is_jupyter:
            self.handle = import_module("IPython.display").display(self, display_id=True)
        else:
            super().start()

    def refresh(self) -> None:
        """Draw the rows, unless they are held."""
        if self.held:
            return
        if self.handle is not None:
            self.handle.update(self)
        else:
            super().refresh()

    def stop(self) -> None:
        """Draw the rows a last time and give the screen back."""
        if self.handle is not None:
            self.handle.update(self)
            self.handle = None
        elif self.live.is_started:
            super().stop()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Change rows without drawing them."""
        self.held = True
        try:
            yield
        finally:
            self.held = self.silent

    def row(self, description: str, total: float, **fields: Any) -> TaskID:
        """Add a row, undrawn; ``total`` is ``inf`` when nobody knows."""
        with self.hold():
            return self.add_task(description, total=None if total == float("inf") else total, **fields)

    def leave(self, row: TaskID) -> None:
        """Let a row stand for good and take it out of the display."""
        if self.handle is None:
            shown = self._shown(row)
            self.remove_task(row)
            self.refresh()
            self.console.print(*shown, sep="\n")

    def write(self, row: TaskID) -> None:
        """Write a row as it is now."""
        self.console.print(*self._shown(row), sep="\n")

    def _shown(self, row: TaskID) -> list[RenderableType]:
        return list(self.renderables([one for one in self.tasks if one.id == row]))

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn."""
        return self.renderables(self.tasks)

    def renderables(self, tasks: list[Task]) -> Iterator[RenderableType]:
        """Rows, with the metrics beside them where every one has room for its own, else below."""
        shown = [one for one in tasks if one.visible]
        beside = (*self.bare, self.metrics)
        if self._fits(shown, beside):
            yield self._table(tasks, beside)
        else:
            yield self._table(tasks, self._fitting(shown))
            yield from (
                self.metrics.below(one, self.console.width) for one in shown if self.metrics.items(one)
            )

    def _table(self, tasks: list[Task], columns: Columns) -> RenderableType:
        self.columns = columns
        try:
            return self.make_tasks_table(tasks)
        finally:
            self.columns = self.bare

    def _fitting(self, tasks: list[Task]) -> Columns:
        """The columns less the last ones, where not all have room: rich would cut a piece off each."""
        columns = self.bare
        while len(columns) > 1 and not self._fits(tasks, columns):
            columns = columns[:-1]
        return columns

    def _fits(self, tasks: list[Task], columns: Columns) -> bool:
        return all(self._width(one, columns) <= self.console.width for one in tasks)

    def _width(self, task: Task, columns: Columns) -> int:
        return sum(LEAST_BAR if isinstance(one, BarColumn) else self._cells(one(task)) for one in columns)

    def _cells(self, cell: RenderableType) -> int:
        return Measurement.get(self.console, self.console.options, cell).maximum + 1
