"""A checksum of the whole file, kept in the comment that may end every zip archive.

torch's files are zip archives, and its reader skips both the comment and the checksums of the records. So a sealed file
is an ordinary torch file, and whoever knows the seal can tell whether a single bit of it has changed.

CRC-32 is what zip uses, too: it finds every change within 32 bits, and others but for one in four thousand million. A
cryptographic digest finds no more of what disks do, and takes several times as long (figures in the README).
"""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import IO, Any

from leyden_checkpoint_io_torch.errors import damaged

MARK = b"leyden:crc32:"
COMMENT = len(MARK) + 8
END = b"PK\x05\x06"
END_LENGTH = 22
START = b"PK\x03\x04"
LONGEST_COMMENT = 0xFFFF
CHUNK = 1 << 20
FOLDER = 0x10  # in a record's attributes; torch's reader then hands out memory that it never filled


class SealedFile:
    """What ``torch.save`` writes to: computes the checksum on the way.

    Args:
        file: where the bytes go.

    Attributes:
        error: the first exception while writing, which torch's writer may hide behind one of its own.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.error: BaseException | None = None
        self._file = file
        self._checksum = 0
        self._tail = b""

    def write(self, data: Any) -> int:
        """Write bytes."""
        try:
            written = self._file.write(data)
        except BaseException as error:
            self.error = self.error or error
            raise
        self._checksum = zlib.crc32(data, self._checksum)
        self._tail = (self._tail + bytes(data[-END_LENGTH:]))[-END_LENGTH:]
        return written

    def flush(self) -> None:
        """Hand buffered bytes to the system."""
        self._file.flush()

    def seal(self) -> None:
        """Add the comment to the finished archive.

        Raises:
            ValueError: what was written is no archive that ends without a comment.
        """
        if not (self._tail.startswith(END) and self._tail.endswith(b"\0\0")):
            raise ValueError("torch.save did not write a zip archive")
        self._file.seek(-2, os.SEEK_END)
        self._file.write(COMMENT.to_bytes(2, "little") + comment(self._checksum))


def comment(checksum: int) -> bytes:
    """The archive's comment for a checksum."""
    return MARK + f"{checksum:08x}".encode()


def verify(path: str) -> None:
    """Check that a file is as it was written.

    A sealed file is checked bit by bit. Of other archives (Lightning's) the checksum of each record is, and the end.
    torch's old format, which is no archive, holds nothing to check.

    Raises:
        leyden_checkpoint_io_torch.DamagedCheckpointError: it is not.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head, tail = file.read(len(START)), _tail(file, size, END_LENGTH + COMMENT)
        if not size:
            raise damaged(path, "it is empty")
        if is_sealed(tail):
            _check_seal(path, file, size, tail)
        elif head == START or zipfile.is_zipfile(file):
            _check_end(path, _tail(file, size, END_LENGTH + LONGEST_COMMENT))
            _check_records(path, file)


def is_whole(path: str) -> bool:
    """Whether a file is not cut off, as far as its end tells; reads no more than that."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        archive = file.read(len(START)) == START
        tail = _tail(file, size, END_LENGTH + LONGEST_COMMENT)
    return size > 0 and (not archive or _ends_well(tail))


def is_sealed(tail: bytes) -> bool:
    """Whether the last bytes are those of a sealed file; one of two signs is enough, the other may be damaged."""
    announced = int.from_bytes(tail[-COMMENT - 2 : -COMMENT], "little") == COMMENT
    return tail[-COMMENT:].startswith(MARK) or (tail.startswith(END) and announced)


def _tail(file: IO[bytes], size: int, length: int) -> bytes:
    file.seek(max(0, size - length))
    return file.read()


def _check_seal(path: str, file: IO[bytes], size: int, tail: bytes) -> None:
    checksum, left = 0, size - COMMENT - 2
    file.seek(0)
    while left > 0 and (chunk := file.read(min(CHUNK, left))):
        checksum = zlib.crc32(chunk, checksum)
        left -= len(chunk)
    checksum = zlib.crc32(b"\0\0", checksum)  # the comment's length, as it was before there was one
    if tail[-COMMENT - 2 :] != COMMENT.to_bytes(2, "little") + comment(checksum):
        raise damaged(path, "its bytes do not give the checksum that was written with them")


def _check_end(path: str, tail: bytes) -> None:
    if not _ends_well(tail):
        raise damaged(path, "its end is missing, so it was cut off")


def _ends_well(tail: bytes) -> bool:
    """Whether the archive's end is there, and the comment that it announces."""
    position = tail.rfind(END)
    length = tail[position + END_LENGTH - 2 : position + END_LENGTH]
    return position >= 0 and len(tail) - position - END_LENGTH == int.from_bytes(length, "little")


def _check_records(path: str, file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            record = archive.testzip()
            folders = [one.filename for one in archive.infolist() if one.external_attr & FOLDER]
    except (OSError, MemoryError):
        raise
    except Exception as error:  # zipfile raises errors of many kinds for what damage makes of an archive
        raise damaged(path, f"it is no complete zip archive ({error})") from error
    if folders:
        raise damaged(path, f"its record {folders[0]!r} is marked as a folder, which torch would not read")
    if record is not None:
        raise damaged(
            path,
            f"the bytes of its record {record!r} do not give the record's checksum (files written with "
            "torch.serialization.set_crc32_options(False) have none: read those with TorchCheckpointIO(verify=False))",
        )
