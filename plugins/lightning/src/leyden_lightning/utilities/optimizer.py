"""Moving optimizers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import Optimizer

from leyden_lightning.utilities.apply_func import move_data_to_device


def _optimizers_to_device(optimizers: Iterable[Optimizer], device: torch.device | str | int) -> None:
    for one in optimizers:
        _optimizer_to_device(one, device)


def _optimizer_to_device(optimizer: Optimizer, device: torch.device | str | int) -> None:
    """Move an optimizer's state; step counters that the optimizer keeps on the CPU stay there."""
    for parameter, values in optimizer.state.items():
        moved: dict[Any, Any] = {
            key: value if key == "step" and not _on_device(optimizer) else move_data_to_device(value, device)
            for key, value in values.items()
        }
        optimizer.state[parameter] = moved


def _on_device(optimizer: Optimizer) -> bool:
    return any(group.get("capturable") or group.get("fused") for group in optimizer.param_groups)
