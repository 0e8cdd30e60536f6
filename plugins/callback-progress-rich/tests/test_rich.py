from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.progress import TextColumn

from leyden import callbacks
from leyden.errors import ConfigurationError
from leyden.testing import TinyModule
from leyden_callback_progress_rich import RichProgressBar, RichProgressBarTheme

Run = Callable[..., Any]
SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"


def on_screen(width: int = 120, **arguments: Any) -> tuple[RichProgressBar, io.StringIO]:
    """A bar that is redrawn after every batch, and the terminal it draws to."""
    screen = io.StringIO()
    console = {"file": screen, "force_terminal": True, "width": width, "color_system": None}
    bar = RichProgressBar(console_kwargs=console, **arguments)
    bar.throttle.interval = 0.0
    return bar, screen


def plain(text: str) -> list[str]:
    """Lines as they were drawn, one after the other, without control sequences."""
    parts = re.split(r"[\r\n]", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text))
    return [part.strip() for part in parts if part.strip()]


def test_a_fit_shows_sanity_check_training_and_validation(run: Run) -> None:
    bar, screen = on_screen()
    run("fit", callbacks=[bar]).ok()
    drawn = plain(screen.getvalue())
    assert any(line.startswith("Sanity Checking") and "2/2" in line for line in drawn)
    assert any(line.startswith("Epoch 0/0") and "1/2" in line for line in drawn)
    assert any(line.startswith("Validation") and "1/2" in line for line in drawn)
    assert drawn[-1].startswith("Epoch 0/0") and "2/2" in drawn[-1]


def test_the_last_line_has_the_metrics(run: Run) -> None:
    bar, screen = on_screen()
    run("fit", callbacks=[bar]).ok()
    assert re.search(r"it/s train_loss: \d+\.\d{3} val_loss: \d+\.\d{3}$", plain(screen.getvalue())[-1])


def test_metrics_without_room_stand_below(run: Run) -> None:
    bar, screen = on_screen(width=70)
    run("fit", callbacks=[bar]).ok()
    assert re.fullmatch(r"train_loss: \d+\.\d{3} val_loss: \d+\.\d{3}", plain(screen.getvalue())[-1])


def test_metrics_below_fill_as_many_lines_as_they_need(run: Run) -> None:
    class Logs(TinyModule):
        def on_train_batch_end(self, *_: Any) -> None:
            self.log_dict({f"a_metric_{n}": float(n) for n in range(9)}, prog_bar=True)

    bar, screen = on_screen(width=60)
    run("fit", callbacks=[bar], module=Logs(), limit_val_batches=0).ok()
    lines = plain(screen.getvalue())[-4:]
    assert all(len(line) <= 60 for line in lines)
    found = re.findall(r"a_metric_(\d): (\d)\.000", " ".join(lines))
    assert found == [(str(n), str(n)) for n in range(9)]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, r"Epoch 0/0  ━+ 2/2 \d:\d\d:\d\d • \d:\d\d:\d\d \d+\.\d\dit/s"),
        (45, r"Epoch 0/0  ━+ 2/2 \d:\d\d:\d\d • \d:\d\d:\d\d"),
        (30, r"Epoch 0/0  ━+ 2/2"),
        (12, r"Epoch 0/0"),
    ],
)
def test_a_narrow_terminal_has_whole_columns(run: Run, width: int, shown: str) -> None:
    bar, screen = on_screen(width=width)
    run("fit", callbacks=[bar], limit_val_batches=0).ok()
    rows = [line for line in plain(screen.getvalue()) if line.startswith("Epoch")]
    assert any(re.fullmatch(shown, row) for row in rows), rows
    run("predict", callbacks=[bar]).ok()
    assert not any("…" in line or len(line) > width for line in plain(screen.getvalue()))


def test_rows_are_drawn_when_a_subclass_asks(run: Run) -> None:
    class Marked(RichProgressBar):
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self.progress.update(self.train_progress_bar.id, description="done")
            self.refresh()
            super().on_train_end(trainer, pl_module)

    screen = io.StringIO()
    bar = Marked(console_kwargs={"file": screen, "force_terminal": True, "width": 100, "color_system": None})
    run("fit", callbacks=[bar], limit_val_batches=0).ok()
    assert any(line.startswith("done") for line in plain(screen.getvalue()))
    bar.refresh(hard=True)


@pytest.mark.parametrize(
    ("stage", "name"), [("validate", "Validation"), ("test", "Testing"), ("predict", "Predicting")]
)
def test_an_evaluation_leaves_its_row(run: Run, stage: str, name: str) -> None:
    bar, screen = on_screen()
    run(stage, callbacks=[bar]).ok()
    last = plain(screen.getvalue())[-1]
    assert last.startswith(name) and "2/2" in last


def test_every_epoch_stays_when_asked(run: Run) -> None:
    bar, screen = on_screen(leave=True)
    run("fit", callbacks=[bar], max_epochs=3, limit_val_batches=0).ok()
    kept = screen.getvalue().split("\n")
    ends = [plain(line)[-1] for line in kept if plain(line)]
    found = [line for line in ends if line.startswith("Epoch")]
    assert [line[:9] for line in found] == ["Epoch 0/2", "Epoch 1/2", "Epoch 2/2"]
    assert all("2/2 " in line[9:] for line in found)


def test_a_refresh_rate_of_zero_shows_nothing(run: Run) -> None:
    bar, screen = on_screen(refresh_rate=0)
    outcome = run("fit", "predict", callbacks=[bar]).ok()
    assert (bar.is_disabled, screen.getvalue(), outcome.stdout) == (True, "", "")


def test_the_refresh_rate_is_redraws_a_second() -> None:
    assert RichProgressBar().throttle.interval == pytest.approx(0.01)
    assert RichProgressBar(refresh_rate=2).throttle.interval == pytest.approx(0.5)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_terminal_is_given_back_after_an_exception(run: Run, error: type[BaseException]) -> None:
    bar, screen = on_screen()
    run("fit", callbacks=[bar], module=TinyModule(fail_in="training_step", error=error))
    text = screen.getvalue()
    assert text.rindex(SHOW) > text.rindex(HIDE)
    assert bar.progress is None
    assert type(sys.stdout).__name__ != "FileProxy"


def test_the_cursor_is_shown_again_after_every_run(run: Run) -> None:
    bar, screen = on_screen()
    run("fit", "validate", "test", "predict", callbacks=[bar]).ok()
    text = screen.getvalue()
    assert text.count(SHOW) == text.count(HIDE) == 4


def test_printing_leaves_the_rows_alone(run: Run) -> None:
    class Talks(TinyModule):
        def on_train_batch_end(self, *_: Any) -> None:
            self.print("[bold]said[/]")

    bar, screen = on_screen()
    run("fit", callbacks=[bar], module=Talks()).ok()
    assert plain(screen.getvalue()).count("[bold]said[/]") == 2


def test_a_file_gets_the_last_rows_alone(run: Run) -> None:
    outcome = run("fit", callbacks=[RichProgressBar()], max_epochs=3).ok()
    lines = [line for line in outcome.stdout.splitlines() if line.strip()]
    assert lines[0].startswith("Epoch 2/2") and len(lines) <= 2
    assert "\x1b" not in outcome.stdout


def test_columns_can_be_changed(run: Run) -> None:
    class Own(RichProgressBar):
        def configure_columns(self, trainer: Any) -> list[Any]:
            return [*super().configure_columns(trainer), TextColumn("(mine)")]

    outcome = run("fit", callbacks=[Own()], limit_val_batches=0).ok()
    assert "(mine)" in outcome.stdout


def test_rows_can_be_read_while_they_run(run: Run) -> None:
    class Own(RichProgressBar):
        seen: Any = None

        def on_train_batch_end(self, *arguments: Any) -> None:
            super().on_train_batch_end(*arguments)
            self.seen = self.train_progress_bar.total

    bar = Own()
    run("fit", callbacks=[bar]).ok()
    assert bar.seen == 2
    with pytest.raises(ConfigurationError, match="no row for train now"):
        _ = bar.train_progress_bar


def test_no_thread_draws(run: Run) -> None:
    bar, _ = on_screen()
    threads: list[Any] = []

    class Looks(TinyModule):
        def on_train_batch_end(self, *_: Any) -> None:
            assert bar.progress is not None
            threads.append(bar.progress.live._refresh_thread)

    run("fit", callbacks=[bar], module=Looks()).ok()
    assert threads == [None, None]


def test_a_notebook_gets_one_output_that_is_updated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[str] = []

    class Handle:
        def update(self, shown: Any) -> None:
            updates.append(shown._repr_mimebundle_([], [])["text/plain"])

    class Display:
        made = 0

        @classmethod
        def display(cls, shown: Any, display_id: bool) -> Handle:
            cls.made += 1
            return Handle()

    monkeypatch.setitem(sys.modules, "IPython.display", Display)
    bar = RichProgressBar(console_kwargs={"force_jupyter": True}, leave=True)
    run("fit", callbacks=[bar], max_epochs=2, limit_val_batches=0).ok()
    assert Display.made == 1
    last = [line for line in plain(updates[-1]) if line.startswith("Epoch")]
    assert [line[:9] for line in last] == ["Epoch 0/1", "Epoch 1/1"]


def test_bar_and_theme_are_found_beside_the_other_callbacks() -> None:
    assert callbacks.RichProgressBar is RichProgressBar
    assert callbacks.RichProgressBarTheme is RichProgressBarTheme


def test_themes_style_the_parts(run: Run) -> None:
    theme = RichProgressBarTheme(
        description="red", metrics="green", metrics_format=".1e", metrics_text_delimiter=" | "
    )
    screen = io.StringIO()
    console = {"file": screen, "force_terminal": True, "width": 120, "color_system": "standard"}
    run("fit", callbacks=[RichProgressBar(theme=theme, console_kwargs=console)]).ok()
    assert "\x1b[31mEpoch 0/0" in screen.getvalue()
    assert re.search(r"\x1b\[32mtrain_loss: \d\.\de-?\+?\d\d \| val_loss", screen.getvalue())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("progress_bar", "no such style"),
        ("time", 3),
        ("metrics_format", ".3x"),
        ("metrics_format", None),
        ("metrics_text_delimiter", 1),
    ],
)
def test_themes_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        RichProgressBarTheme(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("refresh_rate", -1),
        ("refresh_rate", "10"),
        ("refresh_rate", True),
        ("leave", 0),
        ("theme", "dark"),
        ("console_kwargs", ["width", 80]),
        ("console_kwargs", {"no_such": 1}),
    ],
)
def test_arguments_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}="):
        RichProgressBar(**{name: value})


def test_a_log_file_gets_rows_without_control_sequences(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RichProgressBar, "EPOCH_INTERVAL", 0.0)
    file = io.StringIO()
    bar = RichProgressBar(console_kwargs={"file": file, "width": 120})
    run("fit", "predict", callbacks=[bar], max_epochs=3).ok()
    lines = file.getvalue().splitlines()
    assert [line[:9] for line in lines] == ["Epoch 0/2", "Epoch 1/2", "Epoch 2/2", "Predictin"]
    assert "\x1b" not in file.getvalue()
    assert all("2/2" in line for line in lines) and "train_loss: " in lines[0]


def test_a_log_file_gets_few_rows(run: Run) -> None:
    file = io.StringIO()
    bar = RichProgressBar(console_kwargs={"file": file, "width": 120}, leave=True)
    run("fit", callbacks=[bar], max_epochs=5).ok()
    assert [line[:9] for line in file.getvalue().splitlines()] == ["Epoch 4/4"]
    assert bar.plain and bar.throttle.interval == bar.LINE_INTERVAL


def test_a_log_file_gets_every_batch_when_asked(run: Run) -> None:
    file = io.StringIO()
    bar = RichProgressBar(console_kwargs={"file": file, "width": 120})
    bar.throttle.interval = 0.0
    run("fit", callbacks=[bar], limit_val_batches=0).ok()
    assert [re.findall(r"\d/2", line) for line in file.getvalue().splitlines()] == [["1/2"], ["2/2"]]
