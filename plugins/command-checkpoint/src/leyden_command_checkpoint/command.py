"""The command ``leyden checkpoint``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any, ClassVar

from leyden.interfaces import Command

DAMAGED = 1


class CheckpointCommand(Command):
    """Looks into checkpoints, checks them, brings old ones up to date, and averages several."""

    help: ClassVar[str] = "show, verify, convert and average checkpoints"

    def configure(self, parser: ArgumentParser) -> None:
        """Add ``show``, ``verify``, ``convert`` and ``average``."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        show = actions.add_parser("show", help="what is in it and where it comes from; loads no tensor")
        show.add_argument("path", metavar="FILE")
        show.add_argument("--json", action="store_true", help="as one JSON object")
        show.add_argument("--keys", action="store_true", help="also each tensor of the state_dict")
        verify = actions.add_parser(
            "verify", help="compare files with their checksums; status 1 when one is damaged"
        )
        verify.add_argument("paths", metavar="FILE", nargs="+")
        convert = actions.add_parser("convert", help="bring an old file up to date, or keep a part of one")
        convert.add_argument("path", metavar="FILE")
        convert.add_argument("output", metavar="OUTPUT")
        convert.add_argument(
            "--to", choices=("checkpoint", "weights", "state-dict"), default="checkpoint",
            help="everything; weights and hyper-parameters; or the bare state_dict (default: %(default)s)",
        )  # fmt: skip
        convert.add_argument(
            "--unsafe", action="store_true", help="let the file run code (weights_only=False)"
        )
        average = actions.add_parser("average", help="the mean of the weights of several files")
        average.add_argument("paths", metavar="FILE", nargs="+")
        average.add_argument("--output", "-o", required=True, metavar="OUTPUT")
        average.add_argument(
            "--weight", "-w", type=_weight, action="append", default=[], metavar="NUMBER",
            help="a file's weight, in their order; equal when none is given",
        )  # fmt: skip

    def run(self, arguments: Namespace) -> int:
        """Do it.

        Raises:
            leyden.errors.LeydenError: a file is missing, damaged, not safe to load, or does not fit.
        """
        return int(getattr(self, f"_{arguments.action}")(arguments))

    def _show(self, arguments: Namespace) -> int:
        from leyden_command_checkpoint.describe import describe
        from leyden_command_checkpoint.report import report

        found = describe(arguments.path, arguments.keys)
        print(json.dumps(found, indent=2, default=str) if arguments.json else report(found))
        return 0

    def _verify(self, arguments: Namespace) -> int:
        from leyden.errors import CheckpointError
        from leyden_command_checkpoint.files import verified

        status = 0
        for path in arguments.paths:
            try:
                print(f"{path}: {verified(path)}")
            except CheckpointError as error:
                print(f"{path}: {_one_line(error)}", file=sys.stderr)
                status = DAMAGED
        return status

    def _convert(self, arguments: Namespace) -> int:
        from leyden_command_checkpoint.files import converted, write

        write(converted(arguments.path, arguments.to, arguments.unsafe), arguments.output)
        print(arguments.output)
        return 0

    def _average(self, arguments: Namespace) -> int:
        from leyden_command_checkpoint.average import averaged
        from leyden_command_checkpoint.files import write

        write(averaged(arguments.paths, arguments.weight), arguments.output)
        print(arguments.output)
        return 0


def _one_line(error: Any) -> str:
    return " ".join(str(error).split())


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not possible: allowed is a number above 0")
    return value
