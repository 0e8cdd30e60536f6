"""``leyden fit``, ``leyden validate``, ``leyden test`` and ``leyden predict``."""

from __future__ import annotations

import sys
from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.interfaces.command import Command

if TYPE_CHECKING:
    from leyden_cli.configured import ConfiguredRun


class _Configured(Command):
    """A subcommand of LightningCLI for any module and any data.

    Attributes:
        name: the Trainer's method.
    """

    name: ClassVar[str]

    def configure(self, parser: ArgumentParser) -> None:
        """Hand every argument, options as well, to the configuration's own parser."""
        parser.prefix_chars = "\0"
        parser._option_string_actions.clear()  # -h and --help are that parser's, too
        parser.add_argument("arguments", nargs="*", action=_Parse, name=self.name)

    def run(self, arguments: Namespace) -> int:
        """Make module, data and Trainer, and run.

        Raises:
            leyden.errors.LeydenError: what was configured is not possible.
        """
        parsed: ConfiguredRun = arguments.parsed
        parsed.start()
        return 0


class _Parse(Action):
    """Parses a command line with the arguments of Trainer, module and data."""

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: Any = None) -> None:
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))  # class paths name modules of the working directory
        from leyden_cli.configured import ConfiguredRun

        namespace.parsed = ConfiguredRun(self.name, list(values or []))


class FitCommand(_Configured):
    """Trains."""

    help: ClassVar[str] = "train what a configuration file and arguments describe"
    name: ClassVar[str] = "fit"


class ValidateCommand(_Configured):
    """Validates."""

    help: ClassVar[str] = "validate what a configuration file and arguments describe"
    name: ClassVar[str] = "validate"


class TestCommand(_Configured):
    """Tests."""

    __test__ = False
    help: ClassVar[str] = "test what a configuration file and arguments describe"
    name: ClassVar[str] = "test"


class PredictCommand(_Configured):
    """Predicts."""

    help: ClassVar[str] = "predict with what a configuration file and arguments describe"
    name: ClassVar[str] = "predict"
