"""How the bars look."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rich.errors import StyleSyntaxError
from rich.style import Style

from leyden.errors import ConfigurationError

_TEXTS = ("metrics_text_delimiter", "metrics_format")


@dataclass
class RichProgressBarTheme:
    """Styles of the parts of a bar: rich's notation (``"bold red"``, ``"#6206E0"``) or ``rich.style.Style``.

    Args:
        description: the text at the left.
        progress_bar: the part of the bar that is done.
        progress_bar_finished: a bar that is done.
        progress_bar_pulse: a bar whose end nobody knows.
        batch_progress: batches done and in all.
        time: time elapsed and left.
        processing_speed: batches a second.
        metrics: the metrics.
        metrics_text_delimiter: what stands between two metrics.
        metrics_format: the format of a metric that is a float, as for :func:`format`.

    Raises:
        leyden.errors.ConfigurationError: a style or the format cannot be read.
    """

    description: str | Style = ""
    progress_bar: str | Style = "#6206E0"
    progress_bar_finished: str | Style = "#6206E0"
    progress_bar_pulse: str | Style = "#6206E0"
    batch_progress: str | Style = ""
    time: str | Style = "dim"
    processing_speed: str | Style = "dim underline"
    metrics: str | Style = "italic"
    metrics_text_delimiter: str = " "
    metrics_format: str = ".3f"

    def __post_init__(self) -> None:
        for one in fields(self):
            if one.name not in _TEXTS:
                _check_style(one.name, getattr(self, one.name))
        if not isinstance(self.metrics_text_delimiter, str):
            raise ConfigurationError.about("metrics_text_delimiter", self.metrics_text_delimiter, "text")
        try:
            format(0.5, self.metrics_format)
        except (TypeError, ValueError) as error:
            allowed = "a format specification for floats, e.g. '.3f'"
            raise ConfigurationError.about("metrics_format", self.metrics_format, allowed) from error


def _check_style(name: str, value: object) -> None:
    try:
        known = isinstance(value, Style) or (isinstance(value, str) and Style.parse(value) is not None)
    except StyleSyntaxError:
        known = False
    if not known:
        allowed = "a style of rich, e.g. 'bold red', '#6206E0' or a rich.style.Style"
        raise ConfigurationError.about(f"RichProgressBarTheme({name})", value, allowed)
