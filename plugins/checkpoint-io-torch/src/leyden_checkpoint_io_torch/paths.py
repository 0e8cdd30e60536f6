"""Paths on this machine."""

from __future__ import annotations

import os

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces.checkpoint_io import Path


def local(path: Path) -> str:
    """A path as text.

    Raises:
        leyden.errors.ConfigurationError: it is a URL, or no path at all.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError.about("path", path, "a string or an os.PathLike")
    text = os.fspath(path)
    if "://" in text:
        remedy = "Checkpoints of other places need a checkpoint io for them: Trainer(plugins=[…])."
        raise ConfigurationError.about("path", text, "a path on this machine, without a scheme", remedy)
    return text
