"""The ``leyden`` command: dispatch, help and errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from leyden._version import __version__
from leyden.cli import main
from leyden.errors import PluginConflictError, PluginNotFoundError
from leyden.testing import FakeDists

COMMANDS = "leyden.commands"
GREET = """
    from leyden.errors import ConfigurationError
    from leyden.interfaces import Command

    class Greet(Command):
        help = "greet somebody"
        def configure(self, parser):
            parser.add_argument("name")
            parser.add_argument("--times", type=int, default=1)
        def run(self, arguments):
            if arguments.name == "nobody":
                raise ConfigurationError("nobody\\nis not there")
            if arguments.name == "interrupt":
                raise KeyboardInterrupt
            if arguments.name == "bug":
                raise ZeroDivisionError("a bug")
            for _ in range(arguments.times):
                print("hello", arguments.name)
            return 7 if arguments.name == "seven" else 0
"""


@pytest.fixture
def greet(fake_dist: FakeDists) -> None:
    fake_dist("acme-greet", {COMMANDS: {"greet": "acme_greet:Greet"}}, {"acme_greet": GREET}, version="3.1")


@pytest.mark.usefixtures("greet")
def test_a_command_gets_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "you", "--times", "2"]) == 0
    assert capsys.readouterr().out == "hello you\nhello you\n"


@pytest.mark.usefixtures("greet")
def test_its_status_is_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "seven"]) == 7


@pytest.mark.usefixtures("greet")
def test_the_processes_arguments_are_the_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["leyden", "greet", "me"])
    assert main() == 0
    assert capsys.readouterr().out == "hello me\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
@pytest.mark.usefixtures("greet")
def test_help_lists_the_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert re.search(r"greet +greet somebody \[acme-greet 3.1\]", out)
    assert "plugins" in out


@pytest.mark.usefixtures("greet")
def test_a_commands_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "--help"]) == 0
    out = capsys.readouterr().out
    assert "leyden greet" in out and "greet somebody" in out and "--times" in out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"leyden {__version__}\n"


@pytest.mark.usefixtures("greet")
def test_wrong_arguments_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet"]) == 2
    assert "name" in capsys.readouterr().err
    assert main(["--no-such-option"]) == 2


@pytest.mark.usefixtures("greet")
def test_an_error_of_the_family_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "nobody"]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "leyden: nobody is not there\n")


@pytest.mark.parametrize(
    "arguments", [["--traceback", "greet", "nobody"], ["greet", "nobody", "--traceback"]]
)
@pytest.mark.usefixtures("greet")
def test_traceback_shows_all(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="nobody"):
        main(arguments)


@pytest.mark.usefixtures("greet")
def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        main(["greet", "bug"])


@pytest.mark.usefixtures("greet")
def test_an_interrupt_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "interrupt"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("greet")
def test_an_unknown_command_gets_the_nearest_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gret"]) == 2
    err = capsys.readouterr().err
    assert "no command 'gret'" in err and "'greet'" in err and "Did you mean 'greet'?" in err


def test_an_official_command_gets_its_distribution(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {COMMANDS: {"bake": ["leyden-bakery", "Bake"]}}
    monkeypatch.setattr("leyden.cli.app.official", lambda: known)
    assert main(["bake"]) == 2
    assert "pip install leyden-bakery" in capsys.readouterr().err


@pytest.mark.usefixtures("greet")
def test_a_broken_command_is_reported_and_the_others_work(
    fake_dist: FakeDists, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_dist(
        "acme-broken", {COMMANDS: {"crash": "acme_broken:X"}}, {"acme_broken": "raise SystemExit('gone')"}
    )
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "cannot run: Plugin 'crash' of acme-broken 1.0" in out and "greet somebody" in out
    assert main(["crash"]) == 2
    assert "acme-broken" in capsys.readouterr().err
    assert main(["greet", "you"]) == 0


@pytest.mark.usefixtures("greet")
def test_a_blocked_command_does_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "acme-greet")
    assert main(["greet", "you"]) == 2
    assert "may not run" in capsys.readouterr().err
    assert "acme_greet" not in sys.modules


@pytest.mark.usefixtures("greet")
def test_two_owners_of_a_command_are_named(fake_dist: FakeDists) -> None:
    fake_dist("acme-other", {COMMANDS: {"greet": "acme_greet:Greet"}}, {})
    with pytest.raises(PluginConflictError, match=r"acme-greet.*and acme-other"):
        main(["greet", "you", "--traceback"])
    assert main(["acme-other:greet", "you"]) == 0


@pytest.mark.usefixtures("greet")
def test_only_the_chosen_command_is_imported() -> None:
    with pytest.raises(PluginNotFoundError):
        main(["gret", "--traceback"])
    assert "acme_greet" not in sys.modules


def test_the_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leyden.cli", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"leyden {__version__}\n", "")


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "leyden.cli", "plugins", "hooks"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
