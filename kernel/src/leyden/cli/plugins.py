"""``leyden plugins``: what is installed, whether it works, and what it may listen to."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser, Namespace
from importlib import import_module
from typing import ClassVar

from leyden.interfaces.command import Command


class PluginsCommand(Command):
    """List, show, check, lock, trace and write plugins, and print the hook reference."""

    help: ClassVar[str] = "what is installed and may run, whether it works, and which hooks there are"

    def configure(self, parser: ArgumentParser) -> None:
        """Add ``list``, ``show``, ``check``, ``hooks``, ``new``, ``lock`` and ``trace``."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        every = actions.add_parser("list", help="what is installed, from metadata alone")
        every.add_argument("--json", action="store_true", help="one JSON array")
        every.add_argument("--family", metavar="FAMILY", help="one family alone, e.g. callback")
        every.add_argument(
            "--all", action="store_true", help="import the plugins and show the hooks they implement"
        )
        show = actions.add_parser("show", help="everything about a plugin; imports it")
        show.add_argument("name", metavar="NAME", help="a plugin, DISTRIBUTION:PLUGIN, or a distribution")
        check = actions.add_parser(
            "check", help="import plugins and say what is wrong with them; status 1 if anything is"
        )
        check.add_argument("names", metavar="NAME", nargs="*", help="as for show; all plugins by default")
        actions.add_parser("hooks", help="the hook reference, as Markdown")
        _new(actions.add_parser("new", help="write a plugin to start from, with tests that pass"))
        lock = actions.add_parser(
            "lock", help="write down distribution, version and hash of all that may run"
        )
        lock.add_argument(
            "--verify", action="store_true", help="compare instead; status 1 where something differs"
        )
        lock.add_argument("--file", metavar="FILE", default="leyden.lock", help="the lock (leyden.lock)")
        trace = actions.add_parser("trace", help="run a script and say what each plugin cost in each hook")
        trace.add_argument(
            "--folder", metavar="FOLDER", help="where the files go; by default beside the logs"
        )
        trace.add_argument("script", metavar="SCRIPT", help="a Python file")
        trace.add_argument("arguments", metavar="...", nargs=REMAINDER, help="its arguments")

    def run(self, arguments: Namespace) -> int:
        """Do one of them; each is imported when it is asked for."""
        action = import_module(f"leyden.cli.plugins_{arguments.action}")
        status: int = action.run(arguments)
        return status


def _new(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the distribution, e.g. acme-stopwatch")
    family = "callback, logger, option … (`--family x` names them all); a hook plugin by default"
    parser.add_argument("--family", metavar="FAMILY", default="hook plugin", help=family)
    parser.add_argument("--path", metavar="DIR", default=".", help="where the folder NAME is made")
    parser.add_argument("--class", metavar="CLASS", dest="class_name", help="the class; made of the name")
    entry = "what users write: the name of the plugin; made of NAME"
    parser.add_argument("--entry-point", metavar="ENTRY", help=entry)
    parser.add_argument("--author", metavar="AUTHOR", help="who holds the copyright")
    parser.add_argument("--description", metavar="TEXT", help="one line")


command = PluginsCommand
