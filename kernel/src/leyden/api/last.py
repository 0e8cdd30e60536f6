"""The newest checkpoint of a Trainer, of those that are whole."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from leyden.api.warn import warn
from leyden.errors import CheckpointError
from leyden.plugins.errors import listed

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer

_VERSION = re.compile(r"version_\d+")


def last_checkpoint(trainer: Trainer) -> str | None:
    """The newest file that a checkpoint callback calls its last, or ``None``; another where that is damaged.

    Raises:
        leyden.errors.CheckpointError: there are checkpoints, and all are damaged.
    """
    found = {path for callback in trainer.checkpoint_callbacks for path in _candidates(callback, trainer)}
    whole = _newest_whole(trainer, sorted(found, key=os.path.getmtime, reverse=True))
    return resumable_checkpoint(trainer, found) if found and whole is None else whole


def resumable_checkpoint(trainer: Trainer, damaged: Collection[str] = ()) -> str | None:
    """The newest whole checkpoint in the folders of the Trainer's checkpoint callbacks, or ``None``.

    A folder ``version_7/checkpoints`` stands for those of all versions beside it: a program that is started again logs
    into a new one.

    Args:
        trainer: the Trainer.
        damaged: files that are known to be.

    Raises:
        leyden.errors.CheckpointError: there are checkpoints, and all are damaged.
    """
    io = trainer.checkpoint_io()
    keeping = [one for one in trainer.checkpoint_callbacks if not getattr(one, "save_weights_only", False)]
    folders = {str(one._folder(trainer)) for one in keeping if hasattr(one, "_folder")}
    folders.add(os.path.join(trainer.default_root_dir, "checkpoints"))
    found = [pair for folder in _with_versions(folders) for pair in io.checkpoints_in(folder)]
    paths = [path for _, path in sorted(found, reverse=True) if path not in damaged]
    whole = _newest_whole(trainer, paths)
    if whole is None and (paths or damaged):
        raise CheckpointError(
            f"All checkpoints are damaged: {listed([*damaged, *paths])}. Remove them to start anew, or pass a path."
        )
    return whole


def _with_versions(folders: Iterable[str]) -> list[str]:
    found = set(folders)
    for folder in list(found):
        version, name = os.path.split(folder)
        parent, version = os.path.split(version)
        if _VERSION.fullmatch(version) and os.path.isdir(parent):
            found |= {
                os.path.join(parent, one, name) for one in os.listdir(parent) if _VERSION.fullmatch(one)
            }
    return sorted(found)


def _newest_whole(trainer: Trainer, newest_first: Iterable[str]) -> str | None:
    for path in newest_first:
        try:
            trainer.checkpoint_io().check_checkpoint(path)
        except CheckpointError as error:
            warn("damaged-checkpoint", f"{error} The next older one is taken.")
        else:
            return path
    return None


def _candidates(callback: Any, trainer: Trainer) -> list[str]:
    finder = getattr(callback, "_find_last_checkpoints", None)
    paths = set(finder(trainer)) if finder is not None else set()
    paths.add(getattr(callback, "last_model_path", ""))
    return [str(path) for path in paths if path and os.path.exists(path)]
