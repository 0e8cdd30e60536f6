"""Folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Iterable
from typing import Any

from leyden_checkpoint_io_torch.atomic import sync_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CHECKSUMS = "checksums.json"
LOCK = ".lock"
_HIDDEN = re.compile(r"\..{1,60}\.[0-9a-f]{16}\.(tmp|old)", re.DOTALL)
_EXCHANGE, _HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux
_CHUNK = 1 << 20


class Hidden:
    """A folder under a hidden name beside the one it will take the place of. The process that made it holds a lock.

    Args:
        path: the name that it will have.
    """

    def __init__(self, path: str) -> None:
        parent, name = os.path.split(os.path.abspath(path))
        os.makedirs(parent, exist_ok=True)
        remove_abandoned(parent)
        self.path = path
        self.parent = parent
        self.hidden = os.path.join(parent, f".{name[:60]}.{secrets.token_hex(8)}.tmp")
        os.mkdir(self.hidden)
        self._lock = open(os.path.join(self.hidden, LOCK), "wb")  # noqa: SIM115
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def finish(self) -> None:
        """Give the folder its name; what stood there goes."""
        sync_folder(self.hidden)
        before = os.path.lexists(self.path)
        if before and not exchanged(self.hidden, self.path):
            old = f"{self.hidden.removesuffix('.tmp')}.old"
            os.rename(self.path, old)
            try:
                os.rename(self.hidden, self.path)
            except BaseException:
                os.rename(old, self.path)
                raise
            removed(old)
        elif before:
            removed(self.hidden)
        else:
            os.rename(self.hidden, self.path)
        self._release(self.path)
        sync_folder(self.parent)

    def discard(self) -> None:
        """Remove it."""
        self._release(self.hidden)
        shutil.rmtree(self.hidden, ignore_errors=True)

    def _release(self, folder: str) -> None:
        self._lock.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, LOCK))


def exchanged(one: str, other: str) -> bool:
    """Swap two names in one step, where the system can (Linux)."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    return swap is not None and swap(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def removed(path: str) -> None:
    """Remove a file or folder."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def remove_abandoned(parent: str) -> None:
    """Remove hidden folders whose writer is gone; one without its lock file is being made or removed."""
    if fcntl is None:
        return
    for name in os.listdir(parent):
        folder = os.path.join(parent, name)
        if _HIDDEN.fullmatch(name) and os.path.isdir(folder):
            try:
                with open(os.path.join(folder, LOCK), "rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                if not os.path.exists(os.path.join(folder, CHECKSUMS)):
                    continue
            except OSError:
                continue
            shutil.rmtree(folder, ignore_errors=True)


def checksum(path: str) -> str:
    """CRC-32 of a file's bytes."""
    found = 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    return f"{found:08x}"


def checksums(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Those of some files of a folder."""
    return {name: checksum(os.path.join(folder, name)) for name in sorted(names)}


def write_checksums(folder: str, found: dict[str, str]) -> None:
    """Write them into the folder, to the disk."""
    with open(os.path.join(folder, CHECKSUMS), "w", encoding="utf-8") as file:
        json.dump(found, file)
        file.flush()
        os.fsync(file.fileno())


def check(folder: str, damaged: Any) -> None:
    """Compare all files with their checksums; a folder without any (Lightning's) passes.

    Args:
        folder: the checkpoint.
        damaged: makes the error from folder and finding.

    Raises:
        leyden.errors.CheckpointError: a file is missing or changed.
    """
    path = os.path.join(folder, CHECKSUMS)
    if not os.path.exists(path):
        return
    try:
        with open(path, encoding="utf-8") as file:
            wanted = {str(name): str(value) for name, value in json.load(file).items()}
    except (ValueError, AttributeError, UnicodeDecodeError) as error:
        raise damaged(folder, f"its {CHECKSUMS} cannot be read ({error})") from error
    for name, value in wanted.items():
        place = os.path.join(folder, name)
        if not os.path.exists(place):
            raise damaged(folder, f"its file {name} is missing")
        if checksum(place) != value:
            raise damaged(
                folder, f"the bytes of its file {name} do not give the checksum that was written with them"
            )
