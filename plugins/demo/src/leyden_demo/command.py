"""The command ``leyden demo``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import ClassVar

from leyden.interfaces import Command

WANTED = 0.95
"""The test accuracy from which on the demo counts as having worked."""


class DemoCommand(Command):
    """Trains a classifier for handwritten digits, tests it, reloads it, and says what came of it."""

    help: ClassVar[str] = "train a classifier for handwritten digits, test and reload it: Leyden at work"

    def configure(self, parser: ArgumentParser) -> None:
        """Add the options; all have defaults."""
        parser.add_argument(
            "--root", metavar="DIR", default="leyden_logs", help="where files go (%(default)s)"
        )
        parser.add_argument(
            "--max-epochs", metavar="N", type=_count, default=30, help="train N epochs at most (%(default)s)"
        )
        parser.add_argument(
            "--accelerator", metavar="NAME", default="auto", help="the hardware, e.g. cpu (%(default)s)"
        )
        parser.add_argument(
            "--seed", metavar="N", type=int, default=0, help="of all random numbers (%(default)s)"
        )

    def run(self, arguments: Namespace) -> int:
        """Do it; 0 when the test accuracy is at least 0.95, else 1."""
        from leyden_demo.closing import closing
        from leyden_demo.demonstration import demonstrate

        outcome = demonstrate(arguments.root, arguments.max_epochs, arguments.accelerator, arguments.seed)
        print(closing(outcome))
        accuracy = round(outcome.scores["test_acc"], 4)  # a float32: 0.95 is a little less
        if accuracy >= WANTED:
            return 0
        text = f"The test accuracy is {accuracy}, and at least {WANTED} was expected."
        print(f"leyden demo: {text} Train longer with --max-epochs.", file=sys.stderr)
        return 1


def _count(text: str) -> int:
    """An int of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not possible: allowed is an int of at least 1")
    return int(text)


command = DemoCommand
