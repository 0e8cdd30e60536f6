"""The callback that shows rich's bars."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from rich import get_console
from rich.console import Console
from rich.progress import ProgressColumn, Task, TaskID

from leyden.errors import ConfigurationError
from leyden_callback_progress import StagedProgressBar, Throttle, number_of
from leyden_callback_progress_rich.columns import standard_columns
from leyden_callback_progress_rich.display import Display
from leyden_callback_progress_rich.metrics import MetricsColumn
from leyden_callback_progress_rich.theme import RichProgressBarTheme

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class RichProgressBar(StagedProgressBar):
    """Shows progress by rich: rows for the sanity check, training, validation, testing and prediction.

    Override :meth:`configure_columns` to change what a row shows. Where the console is neither a terminal nor a
    notebook, a row is written every 30 seconds and at the end of epochs, without control sequences.

    Args:
        refresh_rate: redraw at most so many times a second; 0 shows nothing.
        leave: keep the row of every epoch on the screen.
        theme: the styles.
        console_kwargs: arguments for a ``rich.console.Console`` of its own; rich's global one without them.

    Raises:
        leyden.errors.ConfigurationError: an argument of the wrong type, or negative.
    """

    def __init__(
        self,
        refresh_rate: float = 100,
        leave: bool = False,
        theme: RichProgressBarTheme | None = None,
        console_kwargs: dict[str, Any] | None = None,
    ) -> None:
        rate: float = number_of("refresh_rate", refresh_rate, "redraws a second", whole=False)
        super().__init__(Throttle(1 / rate if rate else 0.1))
        self._refresh_rate = rate
        if not isinstance(leave, bool):
            raise ConfigurationError.about("leave", leave, "True or False")
        if theme is not None and not isinstance(theme, RichProgressBarTheme):
            raise ConfigurationError.about("theme", theme, "a RichProgressBarTheme")
        self._leave = leave
        self.theme = theme or RichProgressBarTheme()
        self._console_kwargs = _checked(console_kwargs)
        self.progress: Display | None = None
        self._rows: dict[str, TaskID] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "progress": None, "_rows": {}}

    @property
    def refresh_rate(self) -> float:
        """Redraws a second, at most."""
        return self._refresh_rate

    @property
    def is_enabled(self) -> bool:
        return self._enabled and self._refresh_rate > 0

    @property
    def train_progress_bar(self) -> Task:
        """The row of training."""
        return self._row("train")

    @property
    def val_sanity_check_bar(self) -> Task:
        """The row of the sanity check."""
        return self._row("sanity")

    @property
    def val_progress_bar(self) -> Task:
        """The row of validation."""
        return self._row("validation")

    @property
    def test_progress_bar(self) -> Task:
        """The row of testing."""
        return self._row("test")

    @property
    def predict_progress_bar(self) -> Task:
        """The row of prediction."""
        return self._row("predict")

    def configure_columns(self, trainer: Trainer) -> list[ProgressColumn]:
        """The columns of a row; the metrics follow them."""
        return standard_columns(self.theme)

    def refresh(self, hard: bool = False) -> None:
        """Draw what the rows hold now, for subclasses that change them.

        Args:
            hard: also where lines are written instead of rows.
        """
        if self.progress is None:
            return
        if not self.plain:
            self.progress.refresh()
        elif hard:
            for row in self._rows.values():
                self.progress.write(row)

    def epoch_description(self, trainer: Trainer) -> str:
        last = trainer.max_epochs
        text = f"Epoch {trainer.current_epoch}" + (f"/{last - 1}" if last is not None and last > 0 else "")
        return text.ljust(len(self.validation_description))

    def open(self, stage: str) -> None:
        if self.progress is None:
            columns, metrics = self.configure_columns(self.trainer), MetricsColumn(self.theme)
            self.progress = Display(*columns, metrics=metrics, console=self._console(), plain=self.plain)
            self.progress.start()
        if stage == "train" and not self.plain:
            self.throttle.expire()

    def writes_lines(self) -> bool:
        console = self._console()
        return not console.is_jupyter and (not console.is_terminal or console.is_dumb_terminal)

    def _console(self) -> Console:
        return Console(**self._console_kwargs) if self._console_kwargs else get_console()

    def restart(self, stage: str, description: str, total: float) -> None:
        progress = self.progress
        if progress is None:
            return
        if stage in self._rows:
            done = self._leave and stage == "train" and self._row(stage).completed > 0
            if not done:
                progress.remove_task(self._rows[stage])
        style = self.theme.description
        text = f"[{style}]{description}[/]" if style else description
        self._rows[stage] = progress.row(text, total, skipped=self.skipped if stage == "train" else 0)

    def draw(self, stage: str, n: int) -> None:
        if self.progress is None or stage not in self._rows:
            return
        metrics = {}
        if stage == "train":
            metrics = self.get_metrics(self.trainer, self.trainer.lightning_module)
        self.progress.update(self._rows[stage], completed=n, metrics=metrics)
        if self.plain:
            self.progress.write(self._rows[stage])
        else:
            self.progress.refresh()

    def epoch_done(self, n: int) -> None:
        if not self._leave or self.plain:
            super().epoch_done(n)
            return
        self.redraw("train", n)
        if self.progress is not None and self.progress.handle is None:
            self.progress.leave(self._rows.pop("train"))

    def close(self, stage: str) -> None:
        progress = self.progress
        if progress is None:
            return
        inside = stage == "sanity" or (stage == "validation" and self.inside_fit)
        if inside and stage in self._rows:
            progress.remove_task(self._rows.pop(stage))
        elif not inside:
            self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        super().on_exception(trainer, pl_module, exception)
        self._stop()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().teardown(trainer, pl_module, stage)
        self._stop()

    def _stop(self) -> None:
        progress, self.progress, self._rows = self.progress, None, {}
        if progress is not None:
            progress.stop()

    def _row(self, stage: str) -> Task:
        if self.progress is None or stage not in self._rows:
            raise ConfigurationError(f"RichProgressBar has no row for {stage} now: the stage is not running.")
        return next(one for one in self.progress.tasks if one.id == self._rows[stage])


def _checked(arguments: Any) -> dict[str, Any]:
    if arguments is None:
        return {}
    allowed = "a dict of arguments for rich.console.Console"
    if not isinstance(arguments, dict):
        raise ConfigurationError.about("console_kwargs", arguments, allowed)
    try:
        inspect.signature(Console).bind(**arguments)
    except TypeError as error:
        raise ConfigurationError.about("console_kwargs", arguments, allowed, f"{error}.") from error
    return dict(arguments)
