"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from typing import IO

# File systems that cannot sync folders say so with one of these; their files were synced all the same.
UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}


class FolderSyncError(OSError):
    """The new file stands under its name, and whether the disk knows the name is uncertain."""


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """Write a file that takes the place of another when the block ends well.

    The bytes go into a hidden file in the same folder (made when missing), reach the disk, and only then get the name;
    then the folder reaches the disk. Whatever goes wrong before leaves what stood under the name, and no other file.

    Raises:
        OSError: the disk is full, nothing may be written there, …
    """
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


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
