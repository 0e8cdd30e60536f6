"""The callback that shows tqdm's bars."""

from __future__ import annotations

import os
import sys
from typing import Any, ClassVar

from leyden.errors import ConfigurationError, NoRunError
from leyden_callback_progress import StagedProgressBar, Throttle, in_notebook, in_terminal, number_of
from leyden_callback_progress_tqdm.line import LineTqdm, Tqdm, restart

ATTRIBUTES = {"sanity": "val", "train": "train", "validation": "val", "test": "test", "predict": "predict"}


class TQDMProgressBar(StagedProgressBar):
    """Shows progress by tqdm: bars for the sanity check, training, validation, testing and prediction.

    Override ``init_sanity_tqdm``, ``init_train_tqdm``, ``init_validation_tqdm``, ``init_test_tqdm`` or
    ``init_predict_tqdm`` to change a bar. At most ten times a second a bar is redrawn. Where standard output is
    neither a terminal nor a notebook, a bar is a line, written every 30 seconds and at the end of epochs.

    Args:
        refresh_rate: redraw only after multiples of so many batches; 0 shows nothing. The environment
            variable ``TQDM_MINITERS`` raises it.
        process_position: leave so many pairs of lines free above the bars, for those of other processes.
        leave: keep the bar of every epoch on the screen.

    Attributes:
        BAR_FORMAT: tqdm's ``bar_format``.

    Raises:
        leyden.errors.ConfigurationError: a number is no int or negative, or ``leave`` no bool.
    """

    BAR_FORMAT: ClassVar[str] = (
        "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
    )

    opens_disabled = True

    def __init__(self, refresh_rate: int = 1, process_position: int = 0, leave: bool = False) -> None:
        rate = number_of("refresh_rate", refresh_rate, "batches", whole=True)
        self._refresh_rate: int = max(rate, _least_rate()) if rate else 0
        super().__init__(Throttle(every=self._refresh_rate))
        self._process_position: int = number_of("process_position", process_position, "lines", whole=True)
        if not isinstance(leave, bool):
            raise ConfigurationError.about("leave", leave, "True or False")
        self._leave = leave
        self._bars: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_bars": {}}

    @property
    def refresh_rate(self) -> int:
        """Batches between two redraws, at least."""
        return self._refresh_rate

    @property
    def process_position(self) -> int:
        """Pairs of lines left free above the bars."""
        return self._process_position

    @property
    def is_enabled(self) -> bool:
        return self._enabled and self._refresh_rate > 0

    @property
    def train_progress_bar(self) -> Any:
        """The bar of training."""
        return self._bar("train")

    @train_progress_bar.setter
    def train_progress_bar(self, bar: Any) -> None:
        self._bars["train"] = bar

    @property
    def val_progress_bar(self) -> Any:
        """The bar of validation, also that of the sanity check."""
        return self._bar("val")

    @val_progress_bar.setter
    def val_progress_bar(self, bar: Any) -> None:
        self._bars["val"] = bar

    @property
    def test_progress_bar(self) -> Any:
        """The bar of testing."""
        return self._bar("test")

    @test_progress_bar.setter
    def test_progress_bar(self, bar: Any) -> None:
        self._bars["test"] = bar

    @property
    def predict_progress_bar(self) -> Any:
        """The bar of prediction."""
        return self._bar("predict")

    @predict_progress_bar.setter
    def predict_progress_bar(self, bar: Any) -> None:
        self._bars["predict"] = bar

    def init_sanity_tqdm(self) -> Any:
        """Make the bar of the sanity check."""
        return self._made(self.sanity_check_description, leave=False)

    def init_train_tqdm(self) -> Any:
        """Make the bar of training."""
        return self._made(self.train_description, leave=True)

    def init_validation_tqdm(self) -> Any:
        """Make the bar of validation: below that of training, or alone."""
        inside = self.inside_fit
        return self._made(
            self.validation_description, leave=not inside, below=int(inside), delay=float(inside)
        )

    def init_test_tqdm(self) -> Any:
        """Make the bar of testing."""
        return self._made(self.test_description, leave=True)

    def init_predict_tqdm(self) -> Any:
        """Make the bar of prediction."""
        return self._made(self.predict_description, leave=True)

    def open(self, stage: str) -> None:
        self._bars[ATTRIBUTES[stage]] = getattr(self, f"init_{stage}_tqdm")()
        if stage == "train" and not self.plain:
            self.throttle.expire()

    def restart(self, stage: str, description: str, total: float) -> None:
        name = ATTRIBUTES[stage]
        if stage == "train" and self._bars[name].disable and self._leave:
            self._bars[name] = self.init_train_tqdm()
        restart(self._bars[name], description, total, self.skipped if stage == "train" else 0)

    def draw(self, stage: str, n: int) -> None:
        bar = self._bars[ATTRIBUTES[stage]]
        if stage == "train":
            bar.set_postfix(self.get_metrics(self.trainer, self.trainer.lightning_module), refresh=False)
        bar.n = n
        bar.delay = 0
        bar.refresh()

    def writes_lines(self) -> bool:
        return not in_terminal() and not in_notebook()

    def epoch_done(self, n: int) -> None:
        if self._leave and not self.plain:
            self.redraw("train", n)
            self._bars["train"].close()
        else:
            super().epoch_done(n)

    def close(self, stage: str) -> None:
        bar = self._bars[ATTRIBUTES[stage]]
        bar.n = self.batches_done(stage)  # a notebook shows a bar in red that ends early
        bar.close()

    def print(
        self,
        *args: Any,
        sep: str | None = None,
        end: str | None = None,
        file: Any = None,
        flush: bool = False,
    ) -> None:
        """Print above the bars; the arguments are those of :func:`print`."""
        if self.plain:
            print(*args, sep=sep, end=end, file=file, flush=flush)
            return
        text = (" " if sep is None else sep).join(map(str, args))
        given = {name: value for name, value in (("file", file), ("end", end)) if value is not None}
        Tqdm.write(text, **given)
        if flush:
            (file or sys.stdout).flush()

    def _made(self, description: str, leave: bool, below: int = 0, delay: float = 0) -> Any:
        return (LineTqdm if self.plain else Tqdm)(
            desc=description,
            position=2 * self.process_position + below,
            disable=self.is_disabled,
            leave=leave,
            delay=delay,
            dynamic_ncols=True,
            file=sys.stdout,
            smoothing=0,
            bar_format=self.BAR_FORMAT,
        )

    def _bar(self, name: str) -> Any:
        if name not in self._bars:
            raise NoRunError(f"{type(self).__name__} has no bar for {name} yet: the stage has not begun.")
        return self._bars[name]


def _least_rate() -> int:
    text = os.environ.get("TQDM_MINITERS", "1")
    if not text.isdigit():
        raise ConfigurationError.about("TQDM_MINITERS", text, "an int of batches, as an environment variable")
    return int(text)
