"""``metrics.csv``: a header and rows that are only ever added."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leyden.errors import ConfigurationError


class MetricsFile:
    """A CSV file that grows at its end; a new column rewrites it once, beside the old one, and replaces it.

    Args:
        path: the file; it may exist, and is then continued.

    Attributes:
        path: the file.
        columns: the header, sorted; empty while there is no file.

    Raises:
        leyden.errors.ConfigurationError: the file exists and was not written by a CSV logger.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = self._header()

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows; those that lack a column leave it empty.

        Raises:
            OSError: nothing of the rows was written.
        """
        columns = sorted({*self.columns, *(key for row in rows for key in row)})
        if columns != sorted(self.columns):
            self._rewrite(columns)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            end = file.tell()
            try:
                csv.DictWriter(file, self.columns, lineterminator="\n").writerows(rows)
                file.flush()
            except OSError:
                os.truncate(self.path, end)
                raise

    def _header(self) -> list[str]:
        try:
            with self.path.open("rb+") as file:
                _end_last_line(file)
            with self.path.open(newline="", encoding="utf-8") as text:
                columns = next(csv.reader(text), [])
        except FileNotFoundError:
            return []
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._foreign(f"Reading it failed with {type(error).__name__}") from error
        if columns and "step" not in columns:
            raise self._foreign("It has no column 'step'")
        return columns

    def _rewrite(self, columns: list[str]) -> None:
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with beside.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
                writer.writeheader()
                if self.columns:
                    with self.path.open(newline="", encoding="utf-8") as old:
                        writer.writerows(csv.DictReader(old))
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        finally:
            beside.unlink(missing_ok=True)
        self.columns = columns

    def _foreign(self, reason: str) -> ConfigurationError:
        remedy = f"{reason}. Move it away, or log to another version."
        return ConfigurationError.about(
            "metrics.csv", str(self.path), "a file that a CSV logger wrote", remedy
        )


def _end_last_line(file: Any) -> None:
    # A process that was killed while it wrote leaves half a row; the next one must not continue it.
    if file.seek(0, os.SEEK_END) > 0:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
