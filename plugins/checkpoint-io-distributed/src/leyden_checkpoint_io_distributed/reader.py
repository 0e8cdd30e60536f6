"""Reading shards without running what a file names."""

from __future__ import annotations

import io
import os
import pickle
from typing import Any

import torch
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata

from leyden.errors import CheckpointError

METADATA = ".metadata"
_MODULES = ("torch.distributed.checkpoint.metadata", "torch.distributed.checkpoint.filesystem")
_NAMES = {
    ("torch", "Size"),
    ("torch.serialization", "_get_layout"),
    ("torch._C", "_get_layout"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("collections", "OrderedDict"),
}


class _Unpickler(pickle.Unpickler):
    """Knows the classes of torch's own metadata alone."""

    def find_class(self, module: str, name: str) -> Any:
        known = module in _MODULES and "." not in name and not name.startswith("__")
        if (
            (known and isinstance(_own(module, name), type))
            or (module, name) in _NAMES
            or _is_dtype(module, name)
        ):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it needs {module}.{name}")


def _own(module: str, name: str) -> Any:
    """A class that a module of torch defines itself, rather than imports."""
    import importlib

    found = getattr(importlib.import_module(module), name, None)
    return found if getattr(found, "__module__", None) == module else None


def _is_dtype(module: str, name: str) -> bool:
    return module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)


class SafeReader(FileSystemReader):
    """Reads the shards of a folder, whose metadata are a pickle, as plain data."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.folder = path

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """Read the metadata.

        Raises:
            leyden.errors.CheckpointError: they name anything but torch's own classes for them, or hold objects.
        """
        metadata = read_metadata(self.folder)
        metadata.storage_meta.load_id = self.load_id  # type: ignore[union-attr]
        return metadata


def read_metadata(folder: str) -> Metadata:
    """The metadata of a folder of shards."""
    path = os.path.join(folder, METADATA)
    with open(path, "rb") as file:
        content = file.read()
    try:
        found = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # damage makes anything of a pickle
        raise CheckpointError(
            f"The checkpoint {folder!r} cannot be loaded as plain data: {path}: {error}"
        ) from error
    kinds = getattr(found, "state_dict_metadata", None)
    if not isinstance(found, Metadata) or not isinstance(kinds, dict):
        raise CheckpointError(f"The checkpoint {folder!r} has no metadata of torch.distributed.checkpoint.")
    objects = [name for name, one in kinds.items() if not isinstance(one, TensorStorageMetadata)]
    if objects:
        raise CheckpointError(
            f"The checkpoint {folder!r} holds objects among its shards, which only code could load: "
            f"{', '.join(map(repr, objects[:5]))}."
        )
    if found.storage_meta is None:
        from torch.distributed.checkpoint.metadata import StorageMeta

        found.storage_meta = StorageMeta()
    return found
