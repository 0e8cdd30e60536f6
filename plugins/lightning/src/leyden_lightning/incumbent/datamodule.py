"""What programs print of a data module."""

from __future__ import annotations

import os
from collections.abc import Sized
from typing import Any

from torch.utils.data import DataLoader

from leyden.api.combined import flatten
from leyden.api.data_hooks import DataHooks
from leyden.plugins.adapt import overridden

_LOADERS = {"Train": "train", "Validation": "val", "Test": "test", "Predict": "predict"}


def described(self: Any) -> str:
    """``str(datamodule)``: the sizes of the data sets behind each of its loaders, which are made for it."""
    sizes = ((word, _sizes(self, f"{prefix}_dataloader")) for word, prefix in _LOADERS.items())
    return os.linesep.join(f"{{{word} dataloader: {size}}}" for word, size in sizes)


def _sizes(data: Any, hook: str) -> str:
    if not overridden(data, hook, DataHooks):
        return "None"
    try:
        loaders = getattr(data, hook)()
    except Exception:  # a data module that is not set up yet, whatever it misses
        return "None"
    if isinstance(loaders, DataLoader):
        return f"size={_size(loaders)}"
    return " ; ".join(f"{number}. size={_size(one)}" for number, one in enumerate(flatten(loaders)[0], 1))


def _size(loader: Any) -> str:
    dataset = getattr(loader, "dataset", None)
    return str(len(dataset)) if isinstance(dataset, Sized) else "NA"
