"""Reading and writing."""

from __future__ import annotations

import os
import re
import zipfile
from typing import Any

from leyden.errors import CheckpointError

WEIGHTS = (
    "epoch",
    "global_step",
    "pytorch-lightning_version",
    "state_dict",
    "loops",
    "hparams_name",
    "hyper_parameters",
    "hparams_type",
    "datamodule_hparams_name",
    "datamodule_hyper_parameters",
)
"""What a checkpoint saved with weights only holds."""


def io(path: str) -> Any:
    """The checkpoint io for a file, or for a folder of shards.

    Raises:
        leyden.errors.PluginNotFoundError: it is not installed; says what to install.
    """
    from leyden.plugins.components import resolve

    return resolve("checkpoint_ios", "distributed" if os.path.isdir(path) else "torch")()


def load(path: str, unsafe: bool = False) -> dict[str, Any]:
    """Read a checkpoint, in the present format.

    Raises:
        leyden.errors.CheckpointError: it cannot be read, or is none.
    """
    from leyden.api.checkpoint import checked
    from leyden.api.migrations import reading

    with reading(path) as migrated:
        return migrated(checked(io(path).load_checkpoint(path, "cpu", not unsafe), path))


def write(content: dict[str, Any], path: str) -> None:
    """Write a file, whole or not at all."""
    from leyden.plugins.components import resolve

    resolve("checkpoint_ios", "torch")().save_checkpoint(content, path)


def converted(path: str, to: str, unsafe: bool) -> dict[str, Any]:
    """A checkpoint, or the part of it that was asked for."""
    found = load(path, unsafe)
    if to == "state-dict":
        weights: dict[str, Any] = found["state_dict"]
        return weights
    return found if to == "checkpoint" else {key: found[key] for key in WEIGHTS if key in found}


def checksum(path: str) -> str | None:
    """The checksum that a sealed file holds; ``None`` for others."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        found = re.fullmatch(rb"leyden:(crc32:[0-9a-f]{8})", archive.comment)
    return found.group(1).decode() if found else None


def verified(path: str) -> str:
    """What was compared, as text.

    Raises:
        leyden.errors.CheckpointError: the file is missing or damaged.
    """
    io(path).check_checkpoint(path)
    if os.path.isdir(path):
        return "ok (files of the folder)"
    sealed = checksum(path)
    if sealed is not None:
        return f"ok ({sealed})"
    if zipfile.is_zipfile(path):
        return "ok (checksums of the zip archive's records)"
    with open(path, "rb") as file:
        if not file.read(1):
            raise CheckpointError(f"The checkpoint {path!r} is damaged: it is empty.")
    return "readable, without a checksum (torch's old format)"
