"""The mean of several checkpoints' weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leyden.errors import CheckpointError, ConfigurationError
from leyden_command_checkpoint.files import WEIGHTS, load


def averaged(paths: Sequence[str], weights: Sequence[float] = ()) -> dict[str, Any]:
    """The mean of the weights, with the last file's hyper-parameters; optimizers are left out.

    Floating-point values are summed in float64 (complex ones in complex128) and get their type back; others (counters)
    are the last file's. One file is in memory at a time, beside the sum.

    Args:
        paths: the files.
        weights: one for each file; equal when empty.

    Raises:
        leyden.errors.CheckpointError: a file cannot be read, or its keys or shapes differ from the first file's.
        leyden.errors.ConfigurationError: the number of weights is not that of the files.
    """
    if weights and len(weights) != len(paths):
        raise ConfigurationError.about(
            "--weight", list(weights), f"none, or {len(paths)} numbers, one a file"
        )
    shares = list(weights) or [1.0] * len(paths)
    total: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for path, share in zip(paths, shares, strict=True):
        last = load(path)
        found = last["state_dict"]
        if total:
            _same_keys(paths[0], total, path, found)
        for key, value in found.items():
            total[key] = _added(total.get(key), value, share / sum(shares), f"{path}: {key}")
    state = {key: _as(total[key], value) for key, value in last["state_dict"].items()}
    return {**{key: last[key] for key in WEIGHTS if key in last}, "state_dict": state}


def _added(sum_: Any, value: Any, share: float, where: str) -> Any:
    import torch

    if not isinstance(value, torch.Tensor) or not (value.is_floating_point() or value.is_complex()):
        return value
    part = value.to(torch.complex128 if value.is_complex() else torch.float64) * share
    if sum_ is None:
        return part
    if sum_.shape != part.shape:
        raise CheckpointError(
            f"{where} has the shape {list(part.shape)}, and that before has {list(sum_.shape)}."
        )
    return sum_ + part


def _as(value: Any, like: Any) -> Any:
    return value.to(like.dtype) if hasattr(value, "dtype") else value


def _same_keys(first: str, total: dict[str, Any], path: str, found: dict[str, Any]) -> None:
    differing = sorted(total.keys() ^ found.keys())
    if differing:
        raise CheckpointError(
            f"{path} and {first} hold other weights; one of them lacks {', '.join(differing[:5])}."
        )
