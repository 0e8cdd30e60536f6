"""A checksum of the whole file, kept in the comment that may end every zip archive.

torch's files are zip archives, and its reader skips both the comment and the checksums of the records. So a sealed file
is an ordinary torch file, and whoever knows the seal can tell whether a single bit of it has changed.

CRC-32 is what zip uses, too: it finds every change within 32 bits, and others but for one in four thousand million. A
cryptographic digest finds no more of what disks do, and takes several times as long (figures in the README).
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from typing import IO, Any

from torch.serialization import get_crc32_options

from leyden_checkpoint_io_torch.crc import joined
from leyden_checkpoint_io_torch.errors import damaged

MARK = b"leyden:crc32:"
COMMENT = len(MARK) + 8
END = b"PK\x05\x06"
END_LENGTH = 22
START = b"PK\x03\x04"
LONGEST_COMMENT = 0xFFFF
CHUNK = 1 << 20
RECORD_END = {16: "<4sLLL", 24: "<4sLQQ"}  # by length: mark, checksum, size, size
RECORD_MARK = b"PK\x07\x08"
LARGE = 1 << 20  # less is computed sooner than joined
FOLDER = 0x10  # in a record's attributes; torch's reader then hands out memory that it never filled


class SealedFile:
    """What ``torch.save`` writes to: knows the checksum of all that was written.

    torch computes the checksum of each record and writes it behind the record. For a large one that is taken, so that
    the bytes of weights are gone through once, not twice.

    Args:
        file: where the bytes go.

    Attributes:
        error: the first exception while writing, which torch's writer may hide behind one of its own.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.error: BaseException | None = None
        self._file = file
        self._checksum = 0
        self._record = 0
        self._takes = get_crc32_options()
        self._tail = b""

    def write(self, data: Any) -> int:
        """Write bytes."""
        try:
            written = self._file.write(data)
        except BaseException as error:
            self.error = self.error or error
            raise
        if self._record:
            self._take(data)
        if self._takes and len(data) >= LARGE:
            self._record = len(data)
        else:
            self._checksum = zlib.crc32(data, self._checksum)
        self._tail = (self._tail + bytes(data[-END_LENGTH:]))[-END_LENGTH:]
        return written

    def _take(self, end: Any) -> None:
        """Take the checksum of the large record that was written last from what torch writes behind it."""
        layout = RECORD_END.get(len(end), "")
        mark, checksum, *sizes = struct.unpack(layout, end) if layout else (b"", 0)
        if mark == RECORD_MARK and sizes == [self._record] * 2:
            self._checksum = joined(self._checksum, checksum, self._record)
            self._record = 0
        else:
            self._takes = False  # another layout than this torch's: seal() reads the file

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
        if self._record:
            self._file.flush()
            with open(self._file.name, "rb") as written:
                self._checksum = checksum(written)
        self._file.seek(-2, os.SEEK_END)
        self._file.write(COMMENT.to_bytes(2, "little") + comment(self._checksum))


def comment(found: int) -> bytes:
    """The archive's comment for a checksum."""
    return MARK + f"{found:08x}".encode()


def checksum(file: IO[bytes], length: int | None = None) -> int:
    """CRC-32 of so many of the bytes that follow in a file; of all by default."""
    found, left = 0, length
    while left != 0 and (chunk := file.read(CHUNK if left is None else min(CHUNK, left))):
        found = zlib.crc32(chunk, found)
        left = None if left is None else left - len(chunk)
    return found


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
    file.seek(0)
    found = checksum(file, size - COMMENT - 2)
    found = zlib.crc32(b"\0\0", found)  # the comment's length, as it was before there was one
    if tail[-COMMENT - 2 :] != COMMENT.to_bytes(2, "little") + comment(found):
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
