"""The distributions that programs look up before they use Lightning."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution
from os import PathLike
from pathlib import Path

VERSION = "2.6.6"
"""The version of Lightning that the names stand for."""
_NAMES = {
    "lightning": "lightning",
    "pytorch-lightning": "pytorch-lightning",
    "lightning-fabric": "lightning-fabric",
}


class Metadata(Distribution):
    """Name and version, no files.

    Args:
        name: the distribution's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @classmethod
    def of(cls, name: str | None) -> Iterable[Distribution]:
        """The distribution of a name, if it is one of Lightning's."""
        known = _NAMES.get((name or "").lower().replace("_", "-").replace(".", "-"))
        return [cls(known)] if known else []

    def read_text(self, filename: str | PathLike[str]) -> str | None:
        """The metadata file; there are no others."""
        if str(filename) != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {self._name}\nVersion: {VERSION}\nSummary: answered by leyden-lightning\n"

    def locate_file(self, path: str | PathLike[str]) -> Path:
        """A path below this package; no such file exists."""
        return Path(__file__).parent / path
