"""From a command line's words to a class and to tensors."""

from __future__ import annotations

from typing import Any

import torch

from leyden import LightningModule
from leyden.api.loading import read
from leyden.errors import ConfigurationError
from leyden.interfaces.command import named_object


def module_class(text: str) -> Any:
    """Import a LightningModule; the working directory is searched first.

    Args:
        text: ``package.module:Class`` or ``file.py:Class``.

    Raises:
        leyden.errors.ConfigurationError: it cannot be imported, or is something else.
    """
    found = named_object("--class", text)
    if not (isinstance(found, type) and issubclass(found, LightningModule)):
        raise ConfigurationError.about("--class", text, "a LightningModule", f"It is {found!r}.")
    return found


def named_class(path: str, unsafe: bool) -> str:
    """The class that a checkpoint says it is of; only its name is taken from the file, never code.

    Raises:
        leyden.errors.ConfigurationError: it names none that can be imported.
    """
    contents = read(path, "cpu", weights_only=not unsafe)
    found = contents.get("leyden", {}).get("module", "")
    if not found or found.startswith("__main__:") or "<locals>" in found:
        which = (
            f"names {found}, which cannot be imported" if found else "does not name the class of its module"
        )
        raise ConfigurationError(f"{path} {which}. Name it: --class package.module:Class, or file.py:Class.")
    return str(found)


def sample(path: str) -> Any:
    """Inputs from a file: tensors in any nesting from ``torch.save``, or one array from ``numpy.save``.

    Raises:
        leyden.errors.ConfigurationError: it cannot be read.
    """
    try:
        if path.endswith(".npy"):
            import numpy

            return torch.from_numpy(numpy.load(path))
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ConfigurationError(
            f"--sample {path} cannot be read: {error}. Write it with torch.save(tensors, path) or "
            "numpy.save(path, array)."
        ) from error
