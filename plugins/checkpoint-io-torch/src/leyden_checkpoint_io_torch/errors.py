"""Why a checkpoint cannot be read."""

from __future__ import annotations

import errno

from leyden.errors import CheckpointError


class MissingCheckpointError(FileNotFoundError, CheckpointError):
    """There is no file; also a ``FileNotFoundError``, with its ``filename``."""


class DamagedCheckpointError(CheckpointError):
    """The file is not what was written: cut off, or with changed bytes."""


class UnsafeCheckpointError(CheckpointError):
    """The file names code that would have to run, and only data may be loaded."""


def missing(path: str) -> MissingCheckpointError:
    """The error for a path where nothing stands."""
    return MissingCheckpointError(errno.ENOENT, "There is no checkpoint", path)


def damaged(path: str, finding: str) -> DamagedCheckpointError:
    """The error for a file that changed since it was written; ``finding`` says as a clause what is wrong with it."""
    return DamagedCheckpointError(
        f"The checkpoint {path!r} is damaged: {finding}. Nothing was loaded from it."
    )
