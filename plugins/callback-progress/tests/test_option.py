"""Which bar a Trainer gets."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from leyden.errors import ConfigurationError, PluginBrokenError
from leyden.testing import FakeDists, Runner, TinyModule
from leyden_callback_progress import (
    EnableProgressBar,
    LogProgressBar,
    ProgressBar,
    in_notebook,
    in_terminal,
    option,
)

BAR = "from leyden.callbacks import ProgressBar\nclass Bar(ProgressBar):\n    pass\n"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the installed bars, so that a test says which there are."""
    monkeypatch.setenv(
        "LEYDEN_DISABLE_PLUGINS", "leyden-callback-progress-rich,leyden-callback-progress-tqdm"
    )


def offered(fake_dist: FakeDists, name: str, source: str = BAR) -> str:
    module = f"a_{name}"
    fake_dist(
        f"another-{name.replace('_', '-')}", {"leyden.callbacks": {name: f"{module}:Bar"}}, {module: source}
    )
    return module


def chosen() -> str:
    return type(option.best_bar()).__module__


def test_a_file_gets_plain_lines(fake_dist: FakeDists, alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(fake_dist, "rich_progress_bar")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert type(option.best_bar()) is LogProgressBar


def test_a_terminal_gets_rich_before_tqdm(fake_dist: FakeDists, alone: None, terminal: None) -> None:
    assert type(option.best_bar()) is LogProgressBar
    tqdm = offered(fake_dist, "tqdm_progress_bar")
    assert chosen() == tqdm
    rich = offered(fake_dist, "rich_progress_bar")
    assert chosen() == rich


def test_what_is_not_chosen_is_not_imported(fake_dist: FakeDists, alone: None, terminal: None) -> None:
    tqdm, rich = offered(fake_dist, "tqdm_progress_bar"), offered(fake_dist, "rich_progress_bar")
    option.best_bar()
    assert rich in sys.modules and tqdm not in sys.modules


def test_a_terminal_that_cannot_redraw_gets_plain_lines(
    terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_terminal()
    monkeypatch.setenv("TERM", "dumb")
    assert not in_terminal()


def test_a_notebook_is_told_by_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shell:
        kernel: Any = object()

    class IPython:
        shell: Any = None

        @classmethod
        def get_ipython(cls) -> Any:
            return cls.shell

    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", IPython)
    assert not in_notebook()
    IPython.shell = Shell()
    assert in_notebook()


def test_a_broken_bar_gives_way(fake_dist: FakeDists, alone: None, terminal: None) -> None:
    offered(fake_dist, "rich_progress_bar", "raise ImportError('no rich')")
    assert type(option.best_bar()) is LogProgressBar


def test_a_broken_bar_is_an_error_when_plugins_are_strict(
    fake_dist: FakeDists, alone: None, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", "1")
    offered(fake_dist, "rich_progress_bar", "raise ImportError('no rich')")
    with pytest.raises(PluginBrokenError, match="no rich"):
        option.best_bar()


def bars(outcome: Any) -> list[Any]:
    return [one for one in outcome.trainer.callbacks if isinstance(one, ProgressBar)]


def test_a_trainer_has_a_bar_unless_told_otherwise(leyden_run: Runner) -> None:
    assert len(bars(leyden_run("fit", enable_progress_bar=True).ok())) == 1
    assert bars(leyden_run("fit", enable_progress_bar=False).ok()) == []


def test_the_users_bar_is_the_only_one(leyden_run: Runner) -> None:
    own = LogProgressBar()
    outcome = leyden_run("fit", enable_progress_bar=True, callbacks=[own]).ok()
    assert bars(outcome) == [own]
    assert outcome.trainer.progress_bar_callback is own


def test_no_bar_and_a_bar_contradict_each_other(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", enable_progress_bar=False, callbacks=LogProgressBar())
    with pytest.raises(
        ConfigurationError, match=r"enable_progress_bar=False .* callbacks holds a LogProgressBar"
    ):
        outcome.ok()


def test_two_bars_are_refused(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", enable_progress_bar=True, callbacks=[LogProgressBar(), ProgressBar()])
    with pytest.raises(ConfigurationError, match=r"LogProgressBar and ProgressBar, and a run has one"):
        outcome.ok()


class BringsOne(TinyModule):
    def configure_callbacks(self) -> Any:
        return [_Another()]


class _Another(ProgressBar):
    pass


def test_the_default_bar_gives_way_to_the_modules(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", enable_progress_bar=True, module=BringsOne()).ok()
    assert [type(one) for one in bars(outcome)] == [_Another]
    assert "Epoch" not in outcome.stdout


def test_the_users_and_the_modules_bar_are_two(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", enable_progress_bar=True, callbacks=[LogProgressBar()], module=BringsOne())
    with pytest.raises(ConfigurationError, match="a run has one"):
        outcome.ok()


def test_it_is_validated_without_a_trainer() -> None:
    check = EnableProgressBar().validate
    assert check(None, {}) is True
    assert check(False, {"callbacks": [object()]}) is False
    assert check(True, {"callbacks": [LogProgressBar()]}) is True


def test_the_log_of_a_fit_in_a_file_is_short(leyden_run: Runner, tmp_path: Path) -> None:
    outcome = leyden_run("fit", enable_progress_bar=True, max_epochs=20).ok()
    assert 1 <= len(outcome.stdout.splitlines()) <= 3
