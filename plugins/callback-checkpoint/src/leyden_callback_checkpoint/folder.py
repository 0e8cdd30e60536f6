"""The folder that checkpoints stand in."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

from leyden.errors import ConfigurationError

if TYPE_CHECKING:
    from leyden import Trainer

_LOCAL = "file://"
_ALLOWED = "a folder that can be written to"


def is_remote(path: str) -> bool:
    """Whether a path is a URL of something other than this machine's file system."""
    return "://" in path and not path.startswith(_LOCAL)


def normal(dirpath: str) -> str:
    """A local path absolute, without links and ``~``; a URL as it is.

    Raises:
        leyden.errors.ConfigurationError: the path leads through a file.
    """
    if is_remote(dirpath):
        return dirpath
    path = os.path.realpath(os.path.expanduser(dirpath.removeprefix(_LOCAL)))
    found = existing_part(path)
    if not os.path.isdir(found):
        raise ConfigurationError.about("dirpath", dirpath, "a folder", f"{found} is a file.")
    return path


def existing_part(path: str) -> str:
    """The longest part of a path that exists."""
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def check_writable(dirpath: str) -> None:
    """Raise before training, rather than at the first save, where files cannot be made.

    Raises:
        leyden.errors.ConfigurationError: the folder, or the one to create it in, is read-only or a file.
    """
    found = existing_part(dirpath)
    if not os.path.isdir(found) or not os.access(found, os.W_OK | os.X_OK):
        raise ConfigurationError.about("dirpath", dirpath, _ALLOWED, f"{found} is not.")


def default_folder(trainer: Trainer) -> str:
    """``checkpoints`` in the folder of the first logger's run, or in the Trainer's root."""
    root = trainer.default_root_dir
    if not trainer.loggers:
        return joined(root, "checkpoints")
    logger = trainer.loggers[0]
    version = logger.version if isinstance(logger.version, str) else f"version_{logger.version}"
    return joined(logger.save_dir or root, str(logger.name), version, "checkpoints")


def joined(root: str, *names: str) -> str:
    """Names below a folder or URL; a local path absolute."""
    path = os.path.join(os.fspath(root), *names)
    return path if is_remote(path) else os.path.abspath(os.path.expanduser(path))


def inside(path: str, folder: str) -> bool:
    """Whether a local path lies below a folder."""
    path, folder = os.path.abspath(path), os.path.abspath(folder)
    return path != folder and os.path.commonpath([path, folder]) == folder


def link(target: str, path: str) -> None:
    """Make ``path`` a symbolic link to a file (a copy, where the system refuses links), in one step."""
    temporary = f"{path}.{uuid4().hex}.part"
    try:
        os.symlink(os.path.relpath(target, os.path.dirname(path)), temporary)
    except OSError:
        # Windows allows links to administrators alone.
        (shutil.copytree if os.path.isdir(target) else shutil.copy2)(target, temporary)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    os.replace(temporary, path)
