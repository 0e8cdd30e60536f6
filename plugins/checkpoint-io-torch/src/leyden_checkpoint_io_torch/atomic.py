"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from typing import IO, cast

from leyden_checkpoint_io_torch.writeback import EarlyFile

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# File systems that cannot sync folders say so with one of these; their files were synced all the same.
UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}


_TEMPORARY = re.compile(r"\..{1,40}\.[0-9a-f]{16}\.tmp", re.DOTALL)


class FolderSyncError(OSError):
    """The new file stands under its name, and whether the disk knows the name is uncertain."""


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """Write a file that takes the place of another when the block ends well.

    The bytes go into a hidden file in the same folder (made when missing), reach the disk, and only then get the name;
    then the folder reaches the disk. Whatever goes wrong before leaves what stood under the name, and no other file.
    Hidden files that a killed process left in the folder are removed.

    Raises:
        OSError: the disk is full, nothing may be written there, …
    """
    folder, name = os.path.split(os.path.abspath(path))
    if os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "a device, pipe or socket stands under this name", path)
    os.makedirs(folder, exist_ok=True)
    remove_abandoned(folder)
    file, temporary = _locked(folder, name)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows renames closed files alone
            os.replace(temporary, path)  # elsewhere still locked, so that nobody takes it for abandoned
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def remove_abandoned(folder: str) -> None:
    """Remove hidden files whose writer is gone: each holds a lock while it writes, and the system frees it.

    Where files cannot be locked nothing is removed.
    """
    if fcntl is None:
        return
    for name in os.listdir(folder):
        if _TEMPORARY.fullmatch(name):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError), open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)


def _locked(folder: str, name: str) -> tuple[IO[bytes], str]:
    while True:
        temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.tmp")
        file = cast("IO[bytes]", EarlyFile(temporary))
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink or os.name == "nt":
            return file, temporary
        file.close()  # somebody took it for abandoned before it was locked


def sync_folder(folder: str) -> None:
    """Bring the names in a folder to the disk, where the system can.

    Raises:
        FolderSyncError: the disk failed.
    """
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise FolderSyncError(
                f"the folder {folder!r} could not be synced ({error.strerror}), so a power loss may undo it"
            ) from error
