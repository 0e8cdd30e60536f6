"""A checkpoint in two parts: tensors by name, and the rest with a note where each tensor was."""

from __future__ import annotations

from typing import Any

import torch

MARK = "leyden_tensor"
_SHARDED = {"state_dict": "model", "optimizer_states": "optimizer"}
"""Keys of a checkpoint whose tensors are sharded, and how their names begin, as in Lightning's folders."""


def split(checkpoint: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors of weights and optimizers, and everything else."""
    tensors: dict[str, torch.Tensor] = {}

    def taken(value: Any, name: str) -> Any:
        if isinstance(value, torch.Tensor):
            tensors[name] = value.detach()
            return {MARK: name}
        if isinstance(value, dict):
            return {key: taken(one, f"{name}.{key}") for key, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(taken(one, f"{name}.{index}") for index, one in enumerate(value))
        return value

    rest = {key: taken(one, _SHARDED[key]) if key in _SHARDED else one for key, one in checkpoint.items()}
    return tensors, rest


def joined(rest: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The checkpoint again."""
    if isinstance(rest, dict):
        if len(rest) == 1 and MARK in rest:
            return tensors[rest[MARK]]
        return {key: joined(one, tensors) for key, one in rest.items()}
    if type(rest) in (list, tuple):
        return type(rest)(joined(one, tensors) for one in rest)
    return rest
