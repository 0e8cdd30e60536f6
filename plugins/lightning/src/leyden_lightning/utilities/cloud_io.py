"""Files, here and on file systems of fsspec."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

import torch


def get_filesystem(path: str | Path, **kwargs: Any) -> Any:
    """The fsspec file system of a path or URL.

    Raises:
        ImportError: fsspec is not installed.
    """
    from fsspec.core import url_to_fs  # type: ignore[import-untyped, unused-ignore]

    return url_to_fs(str(path), **kwargs)[0]


def _load(
    path_or_url: IO[bytes] | str | Path, map_location: Any = None, weights_only: bool | None = None
) -> Any:
    """Read a file of ``torch.save``: an open file, a path, an ``http`` URL, or a URL that fsspec knows."""
    if not isinstance(path_or_url, str | Path):
        return torch.load(path_or_url, map_location=map_location, weights_only=weights_only)
    if str(path_or_url).startswith(("http://", "https://")):
        return torch.hub.load_state_dict_from_url(
            str(path_or_url), map_location=map_location, weights_only=bool(weights_only)
        )
    if _is_local_file_protocol(path_or_url):
        path = str(path_or_url).removeprefix("file://")
        return torch.load(path, map_location=map_location, weights_only=weights_only)
    with get_filesystem(path_or_url).open(str(path_or_url), "rb") as file:
        return torch.load(file, map_location=map_location, weights_only=weights_only)


def _atomic_save(checkpoint: dict[str, Any], filepath: str | Path) -> None:
    """Write a file of ``torch.save`` whole or not at all."""
    if _is_local_file_protocol(filepath):
        from leyden_checkpoint_io_torch import TorchCheckpointIO

        TorchCheckpointIO().save_checkpoint(checkpoint, str(filepath).removeprefix("file://"))
        return
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    filesystem = get_filesystem(filepath)
    with filesystem.transaction, filesystem.open(str(filepath), "wb") as file:
        file.write(buffer.getvalue())


def _is_dir(fs: Any, path: str | Path, strict: bool = False) -> bool:
    """Whether a folder is there; object stores have folders only once something is in them."""
    return bool(fs.isdir(str(path))) if strict or "s3" not in str(fs.protocol) else True


def _is_local_file_protocol(path: str | Path) -> bool:
    return "://" not in str(path) or str(path).startswith("file://")
