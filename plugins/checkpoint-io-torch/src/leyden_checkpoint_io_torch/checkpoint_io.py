"""Checkpoints in files of ``torch.save``."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
from typing import IO, Any, cast

import torch

from leyden.errors import ArgumentTypeError, CheckpointError
from leyden.interfaces import CheckpointIO
from leyden.interfaces.checkpoint_io import Path
from leyden_checkpoint_io_torch import seal
from leyden_checkpoint_io_torch.atomic import FolderSyncError, replacing
from leyden_checkpoint_io_torch.errors import damaged, missing
from leyden_checkpoint_io_torch.paths import local
from leyden_checkpoint_io_torch.seal import SealedFile, is_whole
from leyden_checkpoint_io_torch.unsafe import refusal
from leyden_checkpoint_io_torch.unwritable import culprit

_ELSEWHERE = "save to another folder (dirpath of the checkpoint callback, default_root_dir of the Trainer)."
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), f"Make room there, or {_ELSEWHERE}"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), f"Let this user write there, or {_ELSEWHERE}"),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), "A part of the path is a file: name a folder."),
    errno.EISDIR: "A folder stands under this name: name a file.",
}
"""What to do about an error of the system, by its number."""


class TorchCheckpointIO(CheckpointIO):
    """Writes a checkpoint whole or not at all, and does not read one that has changed since.

    Args:
        verify: check each file before it is read. Without it a changed byte is a changed weight that nobody notices.
    """

    def __init__(self, verify: bool = True) -> None:
        self.verify = verify

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
        """Write a file; folders are made as needed.

        Args:
            checkpoint: what to write.
            path: the file. Until all of the new one is on the disk, it holds what it held before.
            storage_options: ``None``; files on this machine have no options.

        Raises:
            leyden.errors.CheckpointError: it cannot be written; names the path and the cause, and for a value that
                cannot be pickled its key and type. The previous file stays, and no other is left.
            leyden.errors.ConfigurationError: the path is a URL, or there are storage options.
        """
        if storage_options is not None:
            raise ArgumentTypeError.about("storage_options", storage_options, "None: files have no options")
        path = local(path)
        try:
            with replacing(path) as file:
                _write(checkpoint, file, path)
        except FolderSyncError as error:
            raise CheckpointError(f"The checkpoint {path!r} was written, but {error}.") from error
        except OSError as error:
            raise _unwritten(path, error.strerror or str(error), error.errno) from error

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a file.

        Raises:
            leyden_checkpoint_io_torch.MissingCheckpointError: there is none (a ``FileNotFoundError`` too).
            leyden_checkpoint_io_torch.DamagedCheckpointError: it is not as it was written.
            leyden_checkpoint_io_torch.UnsafeCheckpointError: it holds more than plain data; names key and type.
            leyden.errors.CheckpointError: it cannot be read for another reason; names the path and the cause.
            leyden.errors.ConfigurationError: the path is a URL.
        """
        path = local(path)
        try:
            if self.verify and not os.path.isdir(path):
                seal.verify(path)
            found = _read(path, map_location, weights_only is not False)
        except FileNotFoundError:
            raise missing(path) from None
        except IsADirectoryError as error:
            remedy = (
                "A folder of shards is read by DistributedCheckpointIO (leyden-checkpoint-io-distributed)"
            )
            raise _unread(path, f"{error.strerror}. {remedy}.") from error
        except OSError as error:
            raise _unread(path, error.strerror or str(error)) from error
        if not isinstance(found, dict):
            raise _unread(path, f"it holds a {type(found).__name__}, and a checkpoint is a dict")
        return found

    def remove_checkpoint(self, path: Path) -> None:
        """Remove a file, or a folder with all in it; a link is removed and what it names stays.

        Raises:
            leyden.errors.CheckpointError: it cannot be removed.
        """
        path = local(path)
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            elif os.path.lexists(path):
                os.unlink(path)
        except OSError as error:
            raise CheckpointError(f"The checkpoint {path!r} cannot be removed: {error.strerror}.") from error

    def exists(self, path: Path) -> bool:
        """Whether a file (or folder) is there and is not cut off. Its checksum is not computed.

        Raises:
            leyden.errors.CheckpointError: the file cannot be opened.
        """
        path = local(path)
        try:
            return os.path.isdir(path) or (os.path.isfile(path) and is_whole(path))
        except OSError as error:
            raise _unread(path, error.strerror or str(error)) from error

    def check_checkpoint(self, path: Path) -> None:
        """Check a file against the checksum that it holds; of a folder, that it is there.

        Raises:
            leyden_checkpoint_io_torch.MissingCheckpointError: there is none.
            leyden_checkpoint_io_torch.DamagedCheckpointError: it is not as it was written.
        """
        path = local(path)
        try:
            if not os.path.isdir(path):
                seal.verify(path)
        except FileNotFoundError:
            raise missing(path) from None
        except OSError as error:
            raise _unread(path, error.strerror or str(error)) from error


def _write(checkpoint: dict[str, Any], file: IO[bytes], path: str) -> None:
    sealed = SealedFile(file)
    try:
        torch.save(checkpoint, cast("IO[bytes]", sealed))
        sealed.seal()
    except Exception as error:
        if sealed.error is not None:
            raise sealed.error from None
        found = culprit(checkpoint)
        if found is None:
            raise _unwritten(path, f"{type(error).__name__}: {error}") from error
        raise _unwritten(path, f"{found[0]} is a {found[1]}, which cannot be pickled ({error})") from error


def _read(path: str, map_location: Any, weights_only: bool) -> Any:
    try:
        return torch.load(path, map_location=map_location, weights_only=weights_only)
    except (OSError, MemoryError, torch.OutOfMemoryError):
        raise
    except pickle.UnpicklingError as error:
        raise (refusal(path, error) if weights_only else damaged(path, str(error))) from error
    except Exception as error:  # weights_only=False runs the file's own code, which may raise anything
        unknown = "no file that torch.save wrote, or damaged beyond that: " if weights_only else ""
        raise _unread(path, f"{unknown}{type(error).__name__}: {error}") from error


def _unwritten(path: str, cause: str, number: int | None = None) -> CheckpointError:
    remedy = REMEDIES.get(number or 0, "")
    return CheckpointError(
        f"The checkpoint {path!r} was not written: {cause}. What stood there before is untouched. {remedy}".rstrip()
    )


def _unread(path: str, cause: str) -> CheckpointError:
    return CheckpointError(f"The checkpoint {path!r} cannot be read: {cause}")
