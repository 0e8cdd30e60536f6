"""Moving and converting data in nested containers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from leyden.api.transfer import map_nested, move_to_device


def move_data_to_device(batch: Any, device: torch.device | str | int) -> Any:
    """Move everything that has ``to`` to a device."""
    return move_to_device(batch, torch.device(device))


_DTYPES = {bool: torch.uint8, int: torch.int, float: torch.float}


def convert_to_tensors(data: Any, device: torch.device | str | int) -> Any:
    """Turn numbers and NumPy arrays into tensors on a device, and move those that are there.

    Booleans become ``uint8``, ints ``int32`` and floats ``float32``; arrays keep their type.
    """

    def converted(value: Any) -> Tensor:
        if type(value) in _DTYPES:
            return torch.tensor(value, dtype=_DTYPES[type(value)], device=device)
        return torch.as_tensor(value, device=device).contiguous()

    def wanted(value: Any) -> bool:
        return type(value) in _DTYPES or type(value).__module__ == "numpy"

    return move_data_to_device(map_nested(data, wanted, converted), device)


def convert_tensors_to_scalars(data: Any) -> Any:
    """Turn tensors of one element into numbers.

    Raises:
        ValueError: a tensor has more than one.
    """

    def to_item(value: Tensor) -> float | int | bool:
        if value.numel() != 1:
            raise ValueError(
                f"The metric `{value}` does not contain a single element, thus it cannot be converted."
            )
        return value.item()

    return map_nested(data, lambda value: isinstance(value, Tensor), to_item)
