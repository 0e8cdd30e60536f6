"""Files whose bytes are on their way to the disk while further ones are written."""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any

PIECE = 8 << 20
"""Bytes that the system is asked to write at a time."""


class EarlyFile(io.BufferedWriter):
    """A new file of which the system begins to write each piece as soon as it is complete.

    Left to itself it keeps what is written in memory until the sync, which then waits for the disk alone, while
    the disk had nothing to do before. It is a hint: what counts as written is what ``os.fsync`` has returned for.

    Args:
        path: the file, which must not be there yet.

    Raises:
        OSError: it is there, or cannot be made.
    """

    def __init__(self, path: str) -> None:
        super().__init__(open(path, "xb", buffering=0))  # noqa: SIM115
        self._begun = self._written = 0

    def write(self, data: Any) -> int:
        """Write all bytes, in pieces."""
        bytes_given = memoryview(data).cast("B")
        for start in range(0, len(bytes_given), PIECE):
            self._written += super().write(bytes_given[start : start + PIECE])
            if self._written - self._begun >= PIECE:
                self._begin()
        return len(bytes_given)

    def _begin(self) -> None:
        """Hand what was written since the last time to the disk; does not wait for it."""
        if not hasattr(os, "posix_fadvise"):  # macOS, Windows
            return
        self.flush()
        # Linux starts to write pages that nobody needs any more. Those that are being written stay in memory.
        with contextlib.suppress(OSError):  # a file system that takes no advice
            os.posix_fadvise(self.fileno(), self._begun, self._written - self._begun, os.POSIX_FADV_DONTNEED)
        self._begun = self._written
