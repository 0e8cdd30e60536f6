"""The contract of commands."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from leyden.plugins.catalogue import COMMANDS
from leyden.testing.contracts.base import EntryContract


class CommandContract(EntryContract):
    """A ``Command`` of ``leyden.commands``.

    Attributes:
        arguments: a command line (without the command's name) that ends well; ``None`` when no test runs it.
    """

    group: ClassVar[str] = COMMANDS
    arguments: ClassVar[Sequence[str] | None] = None

    def parser(self) -> ArgumentParser:
        """A parser with the command's arguments."""
        parser = ArgumentParser(prog=f"leyden {self.entry().name}")
        self.make().configure(parser)
        return parser

    def test_has_one_line_of_help(self) -> None:
        """``leyden --help`` has a line for it."""
        text = self.make().help
        assert text.strip() and "\n" not in text

    def test_help_works(self, capsys: pytest.CaptureFixture[str]) -> None:
        """``--help`` prints the usage and exits with status 0."""
        with pytest.raises(SystemExit) as caught:
            self.parser().parse_args(["--help"])
        assert caught.value.code in (0, None)
        assert f"leyden {self.entry().name}" in capsys.readouterr().out

    def test_unknown_arguments_are_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        """An argument that does not exist exits with status 2 and is named."""
        with pytest.raises(SystemExit) as caught:
            self.parser().parse_args([*(self.arguments or ()), "--no-such-argument"])
        assert caught.value.code == 2
        captured = capsys.readouterr()
        assert self.arguments is None or "--no-such-argument" in captured.err

    def test_ends_with_a_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The example ends with status 0, through the ``leyden`` command as well."""
        from leyden.cli import main

        if self.arguments is None:
            return
        made: Any = self.make()
        assert made.run(self.parser().parse_args(list(self.arguments))) == 0
        assert main([self.entry().name, *self.arguments]) == 0
        assert capsys.readouterr().err == ""
