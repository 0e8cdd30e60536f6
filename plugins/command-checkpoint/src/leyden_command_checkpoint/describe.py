"""What a checkpoint holds, without loading its tensors."""

from __future__ import annotations

import os
import pickle
from typing import Any

from leyden.errors import CheckpointError
from leyden_command_checkpoint.files import checksum, io


def describe(path: str, keys: bool = False) -> dict[str, Any]:
    """Everything that can be said of a file or folder, as plain data.

    Tensors are mapped, not read, so a file of many gigabytes takes as long as a small one.

    Args:
        path: the checkpoint.
        keys: list each tensor of the ``state_dict``.

    Raises:
        leyden.errors.CheckpointError: it cannot be read.
    """
    found: dict[str, Any] = {"path": path, "bytes": _size(path)}
    if not os.path.isdir(path):
        found["checksum"] = checksum(path)
    content, refused = _mapped(path)
    if refused is not None:
        return {**found, "unsafe": refused}
    return {**found, **_content(content, keys)}


def _size(path: str) -> int:
    if not os.path.exists(path):
        raise CheckpointError(f"The checkpoint {path!r} does not exist.")
    if os.path.isdir(path):
        files = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        return sum(os.path.getsize(one) for one in files)
    return os.path.getsize(path)


def _mapped(path: str) -> tuple[Any, str | None]:
    import torch

    from leyden.api.migrations import reading

    try:
        with reading(path):
            if os.path.isdir(path):
                return io(path).load_checkpoint(path, "meta"), None
            try:
                return torch.load(path, map_location="cpu", mmap=True, weights_only=True), None
            except RuntimeError:  # torch's old format cannot be mapped
                return io(path).load_checkpoint(path), None
    except (pickle.UnpicklingError, CheckpointError) as error:
        return None, _refusal(path, error)
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"The checkpoint {path!r} cannot be read: {error}") from error


def _refusal(path: str, error: Exception) -> str:
    if isinstance(error, CheckpointError):
        raise error
    try:
        io(path).load_checkpoint(path)  # its error names keys and types
    except CheckpointError as named:
        if "more than plain data" not in str(named):
            raise
        return " ".join(str(named).split())
    return str(error)


def _content(content: Any, keys: bool) -> dict[str, Any]:
    if not isinstance(content, dict):
        return {"kind": type(content).__name__}
    weights = content.get("state_dict")
    if not isinstance(weights, dict):
        return {
            "kind": "state_dict",
            **_tensors("parameters", content),
            "keys": _listed(content) if keys else None,
        }
    own = content.get("leyden") or {}
    found: dict[str, Any] = {
        "kind": "checkpoint" if "optimizer_states" in content else "weights",
        "written by": _writer(content, own),
        "epoch": content.get("epoch"),
        "global_step": content.get("global_step"),
        "place": _place(own),
        "module": own.get("module"),
        **_tensors("parameters", weights),
        **_tensors("optimizers", content.get("optimizer_states")),
        "hyper_parameters": _plain(content.get("hyper_parameters")),
        "callbacks": [str(one) for one in content.get("callbacks") or ()],
        "plugins": [" ".join(map(str, one)) for one in own.get("plugins", ())],
        "processes": own.get("world_size", 1) if own else None,
        "provenance": own.get("provenance"),
        "sections": {str(key): _bytes(value) for key, value in content.items()},
    }
    if keys:
        found["keys"] = _listed(weights)
    return found


def _writer(content: dict[str, Any], own: dict[str, Any]) -> str:
    kernel = next((version for name, version in own.get("plugins", ()) if name == "leyden-kernel"), None)
    lightning = content.get("legacy_pytorch-lightning_version") or content.get("pytorch-lightning_version")
    return f"Leyden {kernel}" if kernel else f"Lightning {lightning}" if lightning else "unknown"


def _place(own: dict[str, Any]) -> str | None:
    if not own:
        return None
    from leyden.kernel.state import Point

    point = Point(own["point"]).name.lower().replace("_", " ")
    return f"epoch {own['counters']['epoch']}, batch {own['counters']['batch']}: {point}"


def _tensors(name: str, value: Any) -> dict[str, Any]:
    found = _all(value)
    if not found:
        return {}
    kinds = sorted({str(one.dtype).removeprefix("torch.") for one in found})
    return {name: {"tensors": len(found), "elements": sum(one.numel() for one in found), "types": kinds}}


def _listed(weights: dict[str, Any]) -> dict[str, str]:
    return {
        str(key): f"{str(one.dtype).removeprefix('torch.')} {list(one.shape)}"
        if hasattr(one, "dtype")
        else repr(one)
        for key, one in weights.items()
    }


def _all(value: Any) -> list[Any]:
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [one for part in inner for one in _all(part)]


def _bytes(value: Any) -> int:
    return sum(one.numel() * one.element_size() for one in _all(value))


def _plain(value: Any) -> Any:
    from leyden.api.hparams_file import plain

    return plain(value) if value is not None else None
