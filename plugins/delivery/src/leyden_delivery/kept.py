"""Items on disk: a file of JSON lines, its first line saying who wrote it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO

from leyden.errors import ConfigurationError

MARK = "leyden-delivery"


class Kept:
    """A queue on disk: lines are added at the end and read from the front; an empty one has no file.

    Args:
        path: the file, made with the first item; where one exists, ``-2``, ``-3`` … is put behind its stem.
        header: what its first line says: ``logger`` (the entry point's name) and ``arguments`` (for its class).

    Attributes:
        path: the file.
        header: what its first line says.
        count: the items that were added and not read.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path, self.header, self.count = path, header, 0
        self._wanted = path
        self._file: BinaryIO | None = None
        self._next = 0

    def add(self, item: Any) -> None:
        """Append an item, made of what JSON knows."""
        file = self._file or self._open()
        file.write(_line(item))
        self.count += 1

    def take(self, most: int) -> list[Any]:
        """Remove up to ``most`` items from the front; the last one removes the file."""
        if self._file is None:
            return []
        self._file.flush()
        with self.path.open("rb") as file:
            file.seek(self._next)
            found = [json.loads(line) for line in islice(file, min(most, self.count))]
            self._next = file.tell()
        self.count -= len(found)
        if not self.count:
            self.close()
            self.path.unlink(missing_ok=True)
        return found

    def keep(self, items: Sequence[Any]) -> None:
        """Make the file hold exactly these items, in one step, and close it."""
        if self._file is None:
            self._open()
        self.close()
        write(self.path, self.header, items)
        self.count = len(items)

    def close(self) -> None:
        """Close the file; what it holds stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        self._wanted.parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            suffix = f"-{number}" if number > 1 else ""
            self.path = self._wanted.with_name(f"{self._wanted.stem}{suffix}{self._wanted.suffix}")
            try:
                self._file = self.path.open("xb")
            except FileExistsError:
                continue
            break
        assert self._file is not None
        self._file.write(_line({MARK: 1, **self.header}))
        self._next = self._file.tell()
        return self._file


def write(path: Path, header: Mapping[str, Any], items: Sequence[Any]) -> None:
    """Write a file of items, replacing it in one step; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.writelines(_line(one) for one in [{MARK: 1, **header}, *items])
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[Any]]:
    """The header and the items of a file; half a line at its end, left by a process that was killed, is skipped.

    Raises:
        leyden.errors.ConfigurationError: there is no such file, or it is none of items.
    """
    allowed = "a file of undelivered records"
    try:
        lines = list(_parsed(Path(path).read_bytes()))
    except (OSError, ValueError) as error:
        remedy = f"Reading it failed with {type(error).__name__}: {error}"
        raise ConfigurationError.about("file", os.fspath(path), allowed, remedy) from error
    if not lines or not isinstance(lines[0], dict) or MARK not in lines[0]:
        raise ConfigurationError.about("file", os.fspath(path), allowed, "Its first line is no header.")
    return {key: one for key, one in lines[0].items() if key != MARK}, lines[1:]


def _parsed(content: bytes) -> Iterator[Any]:
    whole, _, _ = content.rpartition(b"\n")
    return (json.loads(line) for line in whole.splitlines())


def _line(item: Any) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode() + b"\n"
