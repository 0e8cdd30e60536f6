"""The shape of a checkpoint: its keys, its counters, and what kind of thing its tensors are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.oracle.describe import OWN_CHECKPOINT_KEYS, shape_of

ROOT = "<root>"
# What a scheduler keeps beside these depends on the version of torch.
SCHEDULE = ("base_lrs", "last_epoch", "_step_count", "_last_lr")


def outline(checkpoint: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """``checkpoint`` with tensors described, optimizers shortened and ``root`` taken out of the paths."""
    kept = {key: value for key, value in checkpoint.items() if key not in OWN_CHECKPOINT_KEYS}
    shape: dict[str, Any] = _shape({**kept, "pytorch-lightning_version": "any"}, root)
    shape["optimizer_states"] = [_optimizer(state) for state in checkpoint.get("optimizer_states", ())]
    shape["lr_schedulers"] = [
        {key: state[key] for key in SCHEDULE} for state in shape.get("lr_schedulers", ())
    ]
    return shape


def _shape(value: Any, root: Path) -> Any:
    if isinstance(value, Mapping):
        return {str(key).replace(str(root), ROOT): _shape(inner, root) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shape(inner, root) for inner in value]
    if isinstance(value, Tensor):
        return round(value.item(), 6) if value.ndim == 0 else shape_of(value)
    return value.replace(str(root), ROOT) if isinstance(value, str) else value


def _optimizer(state: Mapping[str, Any]) -> dict[str, Any]:
    """Which parameters and statistics there are; the options of a group depend on the version of torch."""
    statistics = {str(key): sorted(value) for key, value in state["state"].items()}
    groups = [{"params": group["params"], "lr": group["lr"]} for group in state["param_groups"]]
    return {"state": statistics, "param_groups": groups}
