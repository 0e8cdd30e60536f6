"""``leyden lightning FILE …``: whether everything that programs import of Lightning is there."""

from __future__ import annotations

import ast
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces import Command


class LightningCommand(Command):
    """Lists what Python files import of Lightning, and what of that is missing."""

    help: ClassVar[str] = (
        "say whether everything that a program imports of Lightning is there, and what to install"
    )

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments."""
        parser.add_argument("paths", metavar="PATH", nargs="+", help="a Python file, or a folder of them")
        parser.add_argument("--all", action="store_true", help="list what is there as well")

    def run(self, arguments: Namespace) -> int:
        """Check the files; 0 when nothing is missing, else 1.

        Raises:
            leyden.errors.ConfigurationError: a file is missing, or is no Python.
        """
        names = sorted({name for path in _files(arguments.paths) for name in imported(path)})
        missing = check(names)
        for name in names:
            if name in missing:
                print(f"missing  {name}: {missing[name]}")
            elif arguments.all:
                print(f"there    {name}")
        print(f"{len(names)} names of Lightning's are imported, {len(missing)} are missing.")
        return 1 if missing else 0


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports of Lightning's packages, anywhere in it.

    Raises:
        leyden.errors.ConfigurationError: it is no Python.
    """
    from leyden_lightning.finder import ROOTS

    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise ConfigurationError(f"{path} is no Python: {error}") from error
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [f"{node.module}.{one.name}" for one in node.names if one.name != "*"] or [node.module]
        yield from (one for one in found if one.partition(".")[0] in ROOTS)


def check(names: Iterable[str]) -> dict[str, str]:
    """The names that are not there, with the reason."""
    from leyden_lightning.switch import install, installed, uninstall

    before = installed()
    install()
    try:
        return {name: reason for name in names if (reason := _missing(name)) is not None}
    finally:
        if not before:
            uninstall()


def _missing(name: str) -> str | None:
    module, _, short = name.rpartition(".")
    try:
        if not module or not hasattr(import_module(module), short):
            import_module(name)
    except ImportError as error:
        return str(error)
    return None


def _files(paths: Iterable[str]) -> Iterator[Path]:
    for text in paths:
        path = Path(text)
        if not path.exists():
            raise ConfigurationError.about("PATH", text, "a file or a folder that exists")
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]
