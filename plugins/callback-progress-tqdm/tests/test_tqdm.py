from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from leyden.errors import ConfigurationError, NoRunError
from leyden.testing import TinyModule
from leyden_callback_progress_tqdm import TQDMProgressBar
from leyden_callback_progress_tqdm.line import Tqdm

Run = Callable[..., Any]


def screens(text: str) -> list[str]:
    """What was drawn, one after the other, without control sequences."""
    parts = re.split(r"[\r\n]", re.sub(r"\x1b\[A", "", text))
    return [part.strip() for part in parts if part.strip()]


def eager() -> TQDMProgressBar:
    """A bar that is redrawn after every batch."""
    bar = TQDMProgressBar()
    bar.throttle.interval = 0.0
    return bar


def test_a_fit_shows_sanity_check_training_and_validation(run: Run) -> None:
    drawn = screens(run("fit", callbacks=[eager()]).ok().stdout)
    assert any(line.startswith("Sanity Checking: 100%") and "2/2" in line for line in drawn)
    assert any(line.startswith("Epoch 0:  50%") and "1/2" in line for line in drawn)
    assert any(line.startswith("Validation:  50%") for line in drawn)
    assert drawn[-1].startswith("Epoch 0: 100%")


def test_the_last_line_has_the_metrics(run: Run) -> None:
    last = screens(run("fit", callbacks=[TQDMProgressBar()], max_epochs=3).ok().stdout)[-1]
    assert re.match(r"Epoch 2: 100%.*2/2 .*train_loss=[\d.e-]+, val_loss=[\d.e-]+\]$", last)


@pytest.mark.parametrize(
    ("stage", "name"), [("validate", "Validation"), ("test", "Testing"), ("predict", "Predicting")]
)
def test_an_evaluation_leaves_its_bar(run: Run, stage: str, name: str) -> None:
    drawn = screens(run(stage, callbacks=[TQDMProgressBar()]).ok().stdout)
    assert any(line.startswith(f"{name}: 100%") and "2/2" in line for line in drawn)


def test_every_epoch_stays_when_asked(run: Run) -> None:
    lines = run("fit", callbacks=[TQDMProgressBar(leave=True)], max_epochs=3).ok().stdout.split("\n")
    kept = [screens(line)[-1] for line in lines if screens(line)]
    assert [line[:13] for line in kept if line.startswith("Epoch")] == [f"Epoch {n}: 100%" for n in range(3)]


def test_only_the_last_epoch_stays_otherwise(run: Run) -> None:
    bar = TQDMProgressBar()
    text = run("fit", callbacks=[bar], max_epochs=3, limit_val_batches=0).ok().stdout
    assert text.count("\n") == 1 and text.endswith("\n")


def test_a_refresh_rate_of_zero_shows_nothing(run: Run) -> None:
    bar = TQDMProgressBar(refresh_rate=0)
    assert bar.is_disabled
    assert run("fit", "predict", callbacks=[bar]).ok().stdout == ""


def test_only_multiples_of_the_refresh_rate_are_drawn(run: Run) -> None:
    bar = TQDMProgressBar(refresh_rate=2)
    bar.throttle.interval = 0.0
    drawn = screens(run("predict", callbacks=[bar]).ok().stdout)
    assert not any("1/2" in line for line in drawn)
    assert any("2/2" in line for line in drawn)


def test_an_environment_variable_raises_the_refresh_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_MINITERS", "50")
    assert TQDMProgressBar().refresh_rate == 50
    assert TQDMProgressBar(100).refresh_rate == 100
    assert TQDMProgressBar(0).refresh_rate == 0
    monkeypatch.setenv("TQDM_MINITERS", "often")
    with pytest.raises(ConfigurationError, match=r"TQDM_MINITERS='often'"):
        TQDMProgressBar()


def test_bars_are_made_by_methods_that_can_be_overridden(run: Run) -> None:
    class Own(TQDMProgressBar):
        def init_train_tqdm(self) -> Any:
            bar = super().init_train_tqdm()
            bar.unit = "batch"
            return bar

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            super().on_train_epoch_start(trainer, pl_module)
            self.train_progress_bar.set_description("my epoch", refresh=False)

    last = screens(run("fit", callbacks=[Own()]).ok().stdout)[-1]
    assert last.startswith("my epoch: 100%")
    assert "batch/s" in last


def test_metrics_can_be_changed(run: Run) -> None:
    class Own(TQDMProgressBar):
        def get_metrics(self, trainer: Any, pl_module: Any) -> dict[str, Any]:
            return {"answer": 42}

    assert "answer=42" in screens(run("fit", callbacks=[Own()]).ok().stdout)[-1]


def test_a_bar_that_has_not_begun_is_an_error() -> None:
    with pytest.raises(NoRunError, match="no bar for train yet"):
        _ = TQDMProgressBar().train_progress_bar


def test_printing_leaves_the_bar_alone(run: Run) -> None:
    class Talks(TinyModule):
        def on_train_batch_end(self, *_: Any) -> None:
            self.print("a", 1, sep="-", flush=True)

    text = run("fit", callbacks=[TQDMProgressBar()], module=Talks()).ok().stdout
    assert re.findall(r"^\s*\r?(a-1)$", text.replace("\r", "\n"), flags=re.MULTILINE) == ["a-1", "a-1"]


def test_bars_are_closed_after_an_exception(run: Run) -> None:
    bar = TQDMProgressBar()
    outcome = run("fit", callbacks=[bar], module=TinyModule(fail_in="training_step"))
    assert isinstance(outcome.exception, RuntimeError)
    assert bar.train_progress_bar.disable and bar.val_progress_bar.disable
    assert outcome.stdout.endswith("\n")


def test_no_thread_watches_the_bars(run: Run) -> None:
    assert Tqdm.monitor_interval == 0
    assert run("fit", callbacks=[TQDMProgressBar()]).ok().threads == []


def test_it_can_be_pickled_after_a_run(run: Run) -> None:
    bar = TQDMProgressBar(leave=True)
    run("fit", callbacks=[bar]).ok()
    assert "_bars" in vars(bar) and bar.__getstate__()["_bars"] == {}
    assert pickle.loads(pickle.dumps(TQDMProgressBar(7))).refresh_rate == 7


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.5, "0.500"), (0.12345, "0.123"), (12.0, "12.00"), (7, "7"), (1e-7, "1e-7"), ("x", "x")],
)
def test_numbers_keep_their_width(number: Any, text: str) -> None:
    assert Tqdm.format_num(number) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("refresh_rate", -1),
        ("refresh_rate", 0.5),
        ("refresh_rate", "1"),
        ("refresh_rate", True),
        ("process_position", -1),
        ("process_position", None),
        ("leave", 1),
        ("leave", "yes"),
    ],
)
def test_arguments_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}="):
        TQDMProgressBar(**{name: value})


def test_a_log_file_gets_lines(run: Run) -> None:
    text = run("fit", "test", callbacks=[TQDMProgressBar()], max_epochs=3).ok().stdout
    lines = [line for line in text.splitlines() if "%|" in line]  # the rest is the table of test
    assert [line.partition("|")[0] for line in lines] == ["Epoch 2: 100%", "Testing: 100%"]
    assert "train_loss=" in lines[0] and "2/2" in lines[0]
    assert "\x1b" not in text and "\r" not in text


def test_a_log_file_gets_every_batch_when_asked(run: Run) -> None:
    class Talks(TinyModule):
        def on_train_batch_end(self, *_: Any) -> None:
            self.print("a", 1, sep="-")

    text = run("fit", callbacks=[eager()], module=Talks(), max_epochs=1, limit_val_batches=0).ok().stdout
    lines = text.splitlines()
    assert [line.partition("%")[0] for line in lines] == ["Epoch 0:  50", "a-1", "Epoch 0: 100", "a-1"]


def test_a_log_file_gets_each_epoch_after_a_while(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TQDMProgressBar, "EPOCH_INTERVAL", 0.0)
    for bar in (TQDMProgressBar(), TQDMProgressBar(leave=True)):
        lines = run("fit", callbacks=[bar], max_epochs=3).ok().stdout.splitlines()
        assert [line[:13] for line in lines] == [f"Epoch {n}: 100%" for n in range(3)]


def test_one_bar_in_a_log_file_then_in_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bar = TQDMProgressBar()
    run("fit", callbacks=[bar]).ok()
    assert bar.plain and bar.throttle.interval == bar.LINE_INTERVAL
    monkeypatch.setattr("leyden_callback_progress_tqdm.callback.in_terminal", lambda: True)
    assert "\r" in run("fit", callbacks=[bar]).ok().stdout
    assert not bar.plain and bar.throttle.interval == 0.1


def test_bars_of_tqdms_own_class(run: Run) -> None:
    from tqdm import tqdm

    class Own(TQDMProgressBar):
        def init_train_tqdm(self) -> Any:
            return tqdm(desc="own", file=sys.stdout, unit="step")

    last = screens(run("fit", callbacks=[Own()]).ok().stdout)[-1]
    assert last.startswith("Epoch 0: 100%") and "step/s" in last


def test_the_format_can_be_changed(run: Run) -> None:
    class Own(TQDMProgressBar):
        BAR_FORMAT = "{desc} is at {n_fmt}"

    assert screens(run("fit", callbacks=[Own()]).ok().stdout)[-1].startswith("Epoch 0:  is at 2")


def test_bars_of_other_processes_have_their_lines() -> None:
    bar = TQDMProgressBar(process_position=2)
    with bar.init_test_tqdm() as made:
        assert abs(made.pos) == 4


def test_a_disabled_bar_shows_nothing_until_it_is_enabled(run: Run) -> None:
    bar = TQDMProgressBar()
    bar.disable()
    assert run("fit", callbacks=[bar]).ok().stdout == ""
    bar.enable()
    assert "Epoch 0: 100%" in run("fit", callbacks=[bar]).ok().stdout
