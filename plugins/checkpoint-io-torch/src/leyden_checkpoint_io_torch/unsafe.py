"""What stands in the way of a safe load, and where."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from typing import IO

import torch

from leyden.errors import CheckpointError
from leyden_checkpoint_io_torch.errors import UnsafeCheckpointError
from leyden_checkpoint_io_torch.outline import Node, outline, places

SHOWN = 5
# torch's old format is a row of pickles: this number, a version, facts on the machine, then the object.
MAGIC = 0x1950A86A20F9469CFC6C
OLD_FORMAT_POSITION = 3


def refusal(path: str, error: Exception) -> CheckpointError:
    """The error for a file that ``torch.load`` refused to load as plain data.

    Args:
        path: the file.
        error: what torch raised.
    """
    found = _offenders(path, str(error))
    if not found:
        return CheckpointError(
            f"The checkpoint {path!r} cannot be loaded as plain data: {_reason(error)}. Files that torch.save did not "
            "write are not loaded."
        )
    where = "; ".join(f"checkpoint{place} needs {name}" for name, place in list(found.items())[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return UnsafeCheckpointError(
        f"The checkpoint {path!r} holds more than plain data and tensors, and was not loaded: {where}{more}. "
        "If you trust the file, allow what it needs with torch.serialization.add_safe_globals([…]), or load it with "
        "weights_only=False, which runs code that the file names."
    )


def _reason(error: Exception) -> str:
    """torch's own words, without what it says around them."""
    found = re.search(r"WeightsUnpickler error:\s*(\S.*)", str(error))
    return found.group(1) if found else f"{type(error).__name__}: {error}"


def _offenders(path: str, message: str) -> dict[str, str]:
    """Names that may not be loaded, each with the first place in the checkpoint that needs it."""
    try:
        root = _root(path)
    except (ValueError, OSError, zipfile.BadZipFile):
        return {}
    refused = _refused_by_torch(path)
    found: dict[str, str] = {}
    for place, name in places(root, lambda name: name in refused or _mentions(message, name)):
        found.setdefault(name, place)
    return found


def _root(path: str) -> Node:
    with open(path, "rb") as file:
        if zipfile.is_zipfile(file):
            return outline(io.BytesIO(_record(file)))
        file.seek(0)
        first = outline(file)
        if first.value != MAGIC:  # a pickle that no torch wrote
            return first
        for _ in range(OLD_FORMAT_POSITION - 1):
            outline(file)
        return outline(file)


def _record(file: IO[bytes]) -> bytes:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("it is no file of torch.save")
        return archive.read(names[0])


def _refused_by_torch(path: str) -> set[str]:
    """Empty for files that torch cannot look through (its old format, say); its message names the first of those."""
    try:
        return set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (ValueError, RuntimeError, EOFError, pickle.UnpicklingError):
        return set()


def _mentions(message: str, name: str) -> bool:
    """Whether torch's message names it; Python's own functions stand there without their module."""
    shown = name.removeprefix("builtins.").removeprefix("__builtin__.")
    return re.search(rf"(?<![\w.]){re.escape(shown)}(?![\w.])", message) is not None
