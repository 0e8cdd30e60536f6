"""Batches that are copied to the device while the one before is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from leyden.api.data import TRANSFER_HOOKS
from leyden.api.data_hooks import DataHooks
from leyden.api.transfer import map_nested, move_to_device
from leyden.plugins.adapt import overridden
from leyden_option_fast.technique import Technique


class Prefetch(Technique):
    """``prefetch``: each training batch is put into pinned memory and copied on a stream of its own, one batch early.

    Args:
        cuda: what has ``Stream``, ``stream`` and ``current_stream``; ``torch.cuda``, unless a test says otherwise.
    """

    name: ClassVar[str] = "prefetch"
    part: ClassVar[str] = "data"

    def __init__(self, cuda: Any = torch.cuda) -> None:
        self.cuda = cuda
        self.trainer: Any = None
        self.ahead: CopyAhead | None = None

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        device = trainer.strategy.root_device
        if device.type != "cuda":
            return f"batches are not copied to a device: it is the {device.type}"
        session = trainer.running
        for owner in (session.datamodule, module):
            for hook in TRANSFER_HOOKS:
                if owner is not None and overridden(owner, hook, DataHooks) is not None:
                    return f"{type(owner).__name__}.{hook} would see each batch too early"
        return None

    def begin(self, trainer: Any, module: Any) -> None:
        self.trainer = trainer
        self.ahead = CopyAhead(trainer.strategy.root_device, self.cuda)
        self.start_epoch()

    def start_epoch(self) -> None:
        self.trainer.running.data.train.early = self.ahead

    def end(self) -> None:
        if self.trainer is not None:
            train = self.trainer.running.data.train
            if train is not None:
                train.early = None
            self.trainer = self.ahead = None


class CopyAhead:
    """Begins to copy a batch to a device when called with it.

    Args:
        device: the device.
        cuda: see :class:`Prefetch`.
    """

    def __init__(self, device: torch.device, cuda: Any = torch.cuda) -> None:
        self.device, self.cuda = device, cuda
        self.stream = cuda.Stream(device)

    def __call__(self, batch: Any) -> Callable[[], Any]:
        """Begin; the function that is returned gives the batch, for use on the current stream."""
        with self.cuda.stream(self.stream):
            moved = move_to_device(map_nested(batch, self._pageable, Tensor.pin_memory), self.device)

        def ready() -> Any:
            current = self.cuda.current_stream(self.device)
            current.wait_stream(self.stream)

            def used(tensor: Tensor) -> Tensor:
                # its memory was taken on the other stream and must not be given away before this one is done with it
                tensor.record_stream(current)
                return tensor

            return map_nested(moved, lambda one: isinstance(one, Tensor), used)

        return ready

    @staticmethod
    def _pageable(one: Any) -> bool:
        return isinstance(one, Tensor) and one.device.type == "cpu" and not one.is_pinned()
