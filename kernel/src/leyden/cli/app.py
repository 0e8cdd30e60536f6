"""From a command line to an exit status."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from leyden._version import __version__
from leyden.plugins.catalogue import COMMANDS, catalogue, official
from leyden.plugins.components import install, single
from leyden.plugins.errors import LeydenError, PluginError, PluginNotFoundError, did_you_mean, listed

if TYPE_CHECKING:
    from leyden.interfaces.command import Command

OK, USAGE, INTERRUPTED = 0, 2, 130
TRACEBACK = "--traceback"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: the arguments after ``leyden``; those of the process by default.

    Returns:
        The exit status: 0, what the command returned, 2 for wrong arguments and Leyden's own errors (one line on
        stderr; everything with ``--traceback``), 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    show_all = TRACEBACK in arguments
    arguments = [one for one in arguments if one != TRACEBACK]
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else OK if error.code is None else USAGE
    except LeydenError as error:
        if show_all:
            raise
        print(f"leyden: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        if show_all:
            raise
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; without this the interpreter complains when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _run(arguments: list[str]) -> int:
    position = next((i for i, one in enumerate(arguments) if not one.startswith("-")), len(arguments))
    parser = _parser()
    given = parser.parse_args(arguments[:position])
    if given.version:
        print(f"leyden {__version__}")
        return OK
    if given.help or position == len(arguments):
        parser.epilog = _commands()
        parser.print_help()
        return OK
    name = arguments[position]
    command = find(name)
    sub = ArgumentParser(prog=f"leyden {name}", description=command.help)
    command.configure(sub)
    return command.run(sub.parse_args(arguments[position + 1 :]))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="leyden",
        usage=f"leyden [-h] [--version] [{TRACEBACK}] COMMAND ...",
        description="Train, and look after plugins. `leyden COMMAND --help` says more about a command.",
        formatter_class=RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this and exit")
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    # Taken off the command line before it is parsed, so that it may stand anywhere; here for the help alone.
    parser.add_argument(TRACEBACK, action="store_true", help="show where an error came from")
    return parser


def find(name: str) -> Command:
    """Load a command.

    Raises:
        leyden.errors.PluginNotFoundError: there is none of that name; says which there are, and what to install.
        leyden.errors.PluginError: it is blocked or broken, or two distributions offer it.
    """
    found = catalogue().named(COMMANDS, name)
    if not found:
        raise PluginNotFoundError(_missing(name))
    make: Callable[[], Command] = single(found, f"command {name!r}").load()
    return make()


def _missing(name: str) -> str:
    known = {one: owner for one, (owner, *_) in official().get(COMMANDS, {}).items()}
    installed = {entry.name for entry in catalogue().group(COMMANDS)}
    text = f"There is no command {name!r}; installed: {listed(installed)}."
    if name in known:
        return f"{text} {install(known[name])}"
    return f"{text} {did_you_mean(name, {*installed, *known})}".rstrip()


def _commands() -> str:
    """The commands with their distributions and lines of help; one that cannot be imported says so."""
    entries = catalogue().group(COMMANDS)
    width = max((len(entry.name) for entry in entries), default=0)
    lines = [f"  {one.name:<{width}}  {_help(one.name)} [{one.origin}]" for one in entries]
    return "\n".join(["commands:", *(lines or ["  none"])])


def _help(name: str) -> str:
    try:
        return find(name).help
    except PluginError as error:
        return f"(cannot run: {' '.join(str(error).split())})"
    except Exception as error:
        return f"(cannot run: {type(error).__name__}: {error})"
