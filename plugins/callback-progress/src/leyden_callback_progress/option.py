"""The Trainer keyword ``enable_progress_bar``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.errors import ConfigurationError, PluginBrokenError
from leyden.interfaces import Option
from leyden.plugins import catalogue
from leyden_callback_progress.bar import ProgressBar
from leyden_callback_progress.lines import LogProgressBar
from leyden_callback_progress.output import in_notebook, in_terminal

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

RICH, TQDM = "rich_progress_bar", "tqdm_progress_bar"


class EnableProgressBar(Option):
    """Shows a progress bar unless the user passes one or says no."""

    default: ClassVar[Any] = True
    annotation: ClassVar[Any] = bool | None
    order: ClassVar[int] = 30
    allowed: ClassVar[str] = "True or False"
    doc: ClassVar[str] = "show a progress bar: the best one installed for this terminal, notebook or log file"

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool:
        if value is not None and not isinstance(value, bool):
            raise ConfigurationError.about("enable_progress_bar", value, self.allowed)
        bars = [type(one).__name__ for one in bars_in(_listed(given.get("callbacks")))]
        if value is False and bars:
            raise ConfigurationError(
                f"enable_progress_bar=False is not possible while callbacks holds a {bars[0]}. "
                "Leave out one of the two."
            )
        if len(bars) > 1:
            raise _too_many(bars)
        return value is not False

    def apply(self, value: bool, trainer: Trainer) -> None:
        if not value:
            return
        own = None
        if not bars_in(trainer.callbacks):
            own = best_bar()
            trainer.callbacks.append(own)
        trainer.add_listener(OneBar(own))


class OneBar:
    """Sees to it that a run has one progress bar, whoever brought it.

    Args:
        own: the bar that was added unasked and gives way to another; ``None`` when the user passed one.
    """

    def __init__(self, own: ProgressBar | None) -> None:
        self.own = own

    def leyden_run_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the callbacks, those of ``configure_callbacks`` included.

        Raises:
            leyden.errors.ConfigurationError: two bars were asked for.
        """
        bars = bars_in(trainer.callbacks)
        if len(bars) > 1 and self.own in bars:
            trainer.callbacks.remove(self.own)
            self.own.disable()
            bars.remove(self.own)
        if len(bars) > 1:
            raise _too_many([type(one).__name__ for one in bars])


def best_bar() -> ProgressBar:
    """The best bar installed for where output goes: rich or tqdm in a terminal, plain lines in a file."""
    for name in (RICH, TQDM) if in_terminal() or in_notebook() else ():
        bar = _installed(name)
        if bar is not None:
            return bar
    return LogProgressBar()


def bars_in(callbacks: Iterable[Any]) -> list[ProgressBar]:
    """The progress bars among callbacks."""
    return [one for one in callbacks if isinstance(one, ProgressBar)]


def _installed(name: str) -> ProgressBar | None:
    found = catalogue()
    for entry in found.named("leyden.callbacks", name):
        if entry.state in ("found", "loaded"):
            try:
                bar: ProgressBar = entry.load()()
            except PluginBrokenError:
                # Nobody named it: it is listed as broken, and the next best takes its place.
                if found.selection.strict:
                    raise
                continue
            return bar
    return None


def _listed(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple | set) else [callbacks]


def _too_many(names: list[str]) -> ConfigurationError:
    return ConfigurationError(
        f"You added multiple progress bar callbacks, {' and '.join(names)}, and a run has one. Keep one of them."
    )
