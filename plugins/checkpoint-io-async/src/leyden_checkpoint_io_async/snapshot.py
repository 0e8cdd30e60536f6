"""A copy of a checkpoint in memory, which training does not change."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from typing import Any

import torch

Key = tuple[torch.dtype, tuple[int, ...]]


class Buffers:
    """Memory of earlier snapshots, used again: fresh memory costs more time than the copying."""

    def __init__(self) -> None:
        self._free: dict[Key, list[torch.Tensor]] = defaultdict(list)

    def take(self, like: torch.Tensor) -> torch.Tensor:
        """A contiguous tensor in the CPU's memory of the same type and shape."""
        free = self._free[like.dtype, tuple(like.shape)]
        return free.pop() if free else torch.empty(like.shape, dtype=like.dtype, device="cpu")

    def give_back(self, used: list[torch.Tensor]) -> None:
        """What a snapshot used; what is left over from before goes."""
        self._free.clear()
        for one in used:
            self._free[one.dtype, tuple(one.shape)].append(one)


class Snapshot:
    """A checkpoint as it is now.

    Args:
        checkpoint: is left as it is.
        buffers: where memory comes from.

    Attributes:
        content: the copy. Tensors that are one tensor in the checkpoint are one tensor in the copy.
        used: the memory.
    """

    def __init__(self, checkpoint: dict[str, Any], buffers: Buffers) -> None:
        self.used: list[torch.Tensor] = []
        self._buffers = buffers
        self._seen: dict[tuple[Any, ...], torch.Tensor] = {}
        self._memo: dict[int, Any] = {}
        self.content = self._copied(checkpoint)

    def _copied(self, value: Any) -> Any:
        kind = type(value)
        if kind in (dict, OrderedDict):
            return kind((key, self._copied(one)) for key, one in value.items())
        if kind in (list, tuple):
            return kind(self._copied(one) for one in value)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if value is None or kind in (bool, int, float, str, bytes):
            return value
        return copy.deepcopy(value, self._memo)

    def _tensor(self, value: torch.Tensor) -> torch.Tensor:
        if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.layout is not torch.strided:
            return value.detach().clone()
        if value.is_quantized or value.device.type == "meta":
            return value.detach().clone()
        place = (value.device, value.data_ptr(), value.dtype, tuple(value.shape), value.stride())
        # Empty tensors have no address of their own.
        found = self._seen.get(place) if value.numel() else None
        if found is None:
            found = self._seen[place] = self._buffers.take(value)
            found.copy_(value.detach())
            self.used.append(found)
        return found
