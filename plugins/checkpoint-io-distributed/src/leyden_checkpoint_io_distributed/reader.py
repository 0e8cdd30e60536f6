"""Reading shards without running what a file names."""

from __future__ import annotations

import io
import os
import pickle
import re
from typing import Any

import torch
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.planner import LoadPlan, LoadPlanner
from torch.futures import Future

from leyden.errors import CheckpointError
from leyden_checkpoint_io_torch import UnsafeCheckpointError
from leyden_checkpoint_io_torch.outline import outline, places

METADATA = ".metadata"
_NEEDED = re.compile(r"GLOBAL (\S+)")
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
        raise pickle.UnpicklingError(_needs(module, name))


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

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Read the tensors.

        Raises:
            leyden_checkpoint_io_torch.UnsafeCheckpointError: a shard holds more than tensors; names file and key.
        """
        try:
            return super().read_data(plan, planner)
        except pickle.UnpicklingError as error:
            raise self._refusal(plan, error) from error

    def _refusal(self, plan: LoadPlan, error: Exception) -> Exception:
        for item in plan.items:
            place = self.storage_data[item.storage_index]
            with open(os.path.join(self.folder, place.relative_path), "rb") as file:
                file.seek(place.offset)
                content = io.BytesIO(file.read(place.length))
            try:
                torch.load(content, map_location="meta", weights_only=True)
            except pickle.UnpicklingError as refused:
                found = _NEEDED.search(str(refused))
                needs = found.group(1) if found else "what only code could load"
                return UnsafeCheckpointError(
                    f"The checkpoint {self.folder!r} holds more than tensors in its file {place.relative_path}, and "
                    f"was not loaded: checkpoint[{item.storage_index.fqn!r}] needs {needs}."
                )
        return error


def read_metadata(folder: str) -> Metadata:
    """The metadata of a folder of shards."""
    path = os.path.join(folder, METADATA)
    with open(path, "rb") as file:
        content = file.read()
    try:
        found = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # damage makes anything of a pickle
        where = _where(content, error)
        raise CheckpointError(
            f"The checkpoint {folder!r} cannot be loaded as plain data: {path}{where}: {error}"
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


def _where(content: bytes, error: Exception) -> str:
    """The text that leads to what the metadata must not name, within their dict of tensors."""
    try:
        root = outline(io.BytesIO(content))
    except ValueError:
        return ""
    found = next(places(root, lambda name: str(error) == _needs(*name.rsplit(".", 1))), None)
    return found[0].removeprefix(".state_dict_metadata") if found is not None else ""


def _needs(module: str, name: str = "") -> str:
    return f"it needs {module}.{name}"
