"""Run folders: ``<save_dir>/<name>/version_<n>``, claimed so that no two runs share one."""

from __future__ import annotations

import os
import re
from numbers import Integral
from pathlib import Path, PurePath
from typing import Any

from leyden.api.rank_zero import rank
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError

_NUMBERED = re.compile(r"version_(\d+)")


class VersionDir:
    """The folder of one run. Nothing is created before :attr:`version` is read or :meth:`make` is called.

    Args:
        save_dir: the local folder of all experiments; ``~`` and environment variables are expanded.
        name: the experiment's folder below it; ``None`` and ``""`` mean none.
        version: a number ``n`` (folder ``version_<n>``), a folder's name, or ``None`` for the next free
            number. A folder that was named explicitly may exist already, and is then continued.

    Attributes:
        save_dir: the folder of all experiments, as it was given.
        name: the experiment's name, maybe empty.

    Raises:
        leyden.errors.ConfigurationError: ``save_dir`` is a file or not local, or ``name`` or ``version`` is
            no folder below it.
    """

    def __init__(self, save_dir: str | os.PathLike[str], name: str | None, version: int | str | None) -> None:
        self.save_dir = _local(save_dir)
        self.name = below("name", name or "")
        self._version = _named(version)
        self._made: Path | None = None

    @property
    def root(self) -> Path:
        """The folder of all versions of the experiment."""
        return Path(os.path.expandvars(os.path.expanduser(self.save_dir)), self.name)

    @property
    def version(self) -> int | str:
        """The run's version; where none was given, reading it claims a number by creating its folder.

        Ranks other than zero claim nothing: they see the next free number.
        """
        if self._version is None:
            if rank() != 0:
                return next_version(self.root)
            self._version = self._claim()
        return self._version

    @property
    def path(self) -> Path:
        """The folder of this run."""
        version = self.version
        return self.root / (version if isinstance(version, str) else f"version_{version}")

    def make(self, sub_dir: str = "") -> Path:
        """Create the folder, or one below it, where it is missing.

        Returns:
            Its absolute path, which stays the same when the process changes its working directory.

        Raises:
            leyden.errors.ConfigurationError: the file system refuses; the cause is chained.
        """
        if self._version is None:
            self._version = self._claim()
        if self._made is None:
            self._made = self.path.absolute()
        folder = self._made / sub_dir
        self._create(folder)
        return folder

    def _claim(self) -> int:
        # Whoever creates a folder first has its number: creation is atomic, looking for a free number is not.
        self._create(self.root)
        number = next_version(self.root)
        while not self._create(self.root / f"version_{number}", shared=False):
            number += 1
        return number

    def _create(self, folder: Path, shared: bool = True) -> bool:
        try:
            folder.mkdir(parents=shared, exist_ok=shared)
        except FileExistsError:
            if not shared:
                return False
            raise self._refused(f"{folder} is a file") from None
        except OSError as error:
            raise self._refused(f"{folder} cannot be created: {error.strerror}") from error
        return True

    def _refused(self, reason: str) -> ConfigurationError:
        remedy = f"{reason[0].upper()}{reason[1:]}. Choose another folder."
        return ConfigurationError.about("save_dir", self.save_dir, "a folder that can be written to", remedy)


def next_version(root: Path) -> int:
    """The number after the highest one that ``root`` holds a ``version_<n>`` for; 0 where it holds none."""
    try:
        found = [_NUMBERED.fullmatch(name) for name in os.listdir(root)]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return max((int(match[1]) + 1 for match in found if match), default=0)


def below(argument: str, value: str | os.PathLike[str]) -> str:
    """Check that a value is a relative path that stays where it starts.

    Args:
        argument: the name of the argument that it is for.
        value: the path.

    Raises:
        leyden.errors.ConfigurationError: it is absolute, contains ``..``, or is no path.
    """
    allowed = "a folder's name, or several joined by '/', without '..'"
    path = PurePath(_text(argument, value, allowed))
    if path.is_absolute() or path.drive or ".." in path.parts or "\0" in str(path):
        remedy = "Put the folder it should stand in into save_dir."
        raise ConfigurationError.about(argument, value, allowed, remedy)
    return os.fspath(value)


def _text(argument: str, value: Any, allowed: str) -> str:
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise ArgumentTypeError.about(argument, value, allowed)
    return os.fspath(value)


def _local(save_dir: Any) -> str:
    allowed = "the path of a local folder"
    text = _text("save_dir", save_dir, allowed)
    remedy = ""
    if "://" in text:
        remedy = "Log to a local folder, and copy it when the run is over."
    elif Path(os.path.expandvars(os.path.expanduser(text))).is_file():
        remedy = "This is a file: give the folder it stands in, or another name."
    if remedy:
        raise ConfigurationError.about("save_dir", text, allowed, remedy)
    return text


def _named(version: Any) -> int | str | None:
    allowed = "a number from 0 on, a folder's name, or None for the next free number"
    if version is None:
        return None
    if isinstance(version, Integral) and not isinstance(version, bool):
        if version < 0:
            raise ConfigurationError.about("version", version, allowed)
        return int(version)
    if not isinstance(version, str):
        raise ArgumentTypeError.about("version", version, allowed)
    if not PurePath(version).parts:
        raise ConfigurationError.about("version", version, allowed)
    return below("version", version)
