"""``leyden resend``: deliver what was kept."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

from leyden.errors import ConfigurationError, LeydenError
from leyden.interfaces import Command
from leyden_delivery.kept import read, write

BATCH = 200


def resend(path: str | os.PathLike[str]) -> int:
    """Hand the items of a file to the logger that wrote it, and remove the file.

    Args:
        path: the file that a :class:`~leyden_delivery.DeliveryError` named.

    Returns:
        How many items there were.

    Raises:
        leyden.errors.LeydenError: it is no such file, or its logger is not installed.
        Exception: what the backend raised; the file then holds what it did not take.
    """
    from leyden.plugins.components import resolve

    header, items = read(path)
    if not isinstance(header.get("logger"), str) or not isinstance(header.get("arguments"), dict):
        raise ConfigurationError.about("file", os.fspath(path), "a file whose header names its logger")
    logger = resolve("loggers", header["logger"])(**header["arguments"])
    done = 0
    try:
        for done in range(0, len(items), BATCH):
            logger.deliver(items[done : done + BATCH])
    except Exception:
        write(Path(path), header, items[done:])
        raise
    os.unlink(path)
    return len(items)


class ResendCommand(Command):
    """Delivers the records of files that a run left behind, and removes them."""

    help: ClassVar[str] = "deliver the records that a logger could not deliver during a run"

    def configure(self, parser: ArgumentParser) -> None:
        """Add the files."""
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="a file of JSON lines that an error named"
        )

    def run(self, arguments: Namespace) -> int:
        """Deliver each; 0 when all were, else 1."""
        failures = 0
        for file in arguments.files:
            try:
                print(f"{file}: {resend(file)} records delivered")
            except Exception as error:
                failures += 1
                kind = "" if isinstance(error, LeydenError) else f"{type(error).__name__}: "
                print(f"leyden resend: {file}: {kind}{error}", file=sys.stderr)
        return int(failures > 0)
