"""Commands: subcommands of ``leyden``."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any, ClassVar

from leyden.plugins.errors import ConfigurationError


class Command(ABC):
    """One subcommand. Its entry point in ``leyden.commands`` bears its name; nothing of it is imported before it runs,
    except by ``leyden --help``, which shows its help line.

    Attributes:
        help: one line for ``leyden --help``.
    """

    help: ClassVar[str] = ""

    @abstractmethod
    def configure(self, parser: ArgumentParser) -> None:
        """Add the command's arguments."""

    @abstractmethod
    def run(self, arguments: Namespace) -> int:
        """Do the work and return the exit status."""


def named_object(argument: str, text: str) -> Any:
    """Import what a command line names; the working directory is searched first.

    Args:
        argument: the command's argument, for errors.
        text: ``package.module:Name`` or ``file.py:Name``.

    Raises:
        leyden.errors.ConfigurationError: it cannot be imported.
    """
    where, _, name = text.rpartition(":")
    if not where or not name:
        raise ConfigurationError.about(argument, text, "package.module:Name or file.py:Name")
    try:
        found: Any = _file(where) if where.endswith(".py") else _module(where)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, OSError) as error:
        raise ConfigurationError(f"{argument} {text}: {type(error).__name__}: {error}") from error
    return found


def pair(text: str) -> tuple[str, Any]:
    """``NAME=VALUE`` of a command line, as ``type`` of an argument; the value is JSON or a Python literal, else text.

    Raises:
        argparse.ArgumentTypeError: there is no name, or no ``=``.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r} is not possible: allowed is NAME=VALUE")
    for read in (json.loads, ast.literal_eval):
        try:
            return name, read(value)
        except (ValueError, SyntaxError):
            continue
    return name, value


def _file(path: str) -> Any:
    """A file as a module that other processes find, too."""
    file = Path(path).absolute()
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    _search(str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _module(name: str) -> Any:
    _search(str(Path.cwd()))
    return importlib.import_module(name)


def _search(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)
