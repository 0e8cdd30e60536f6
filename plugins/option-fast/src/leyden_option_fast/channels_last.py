"""Images and the weights of convolutions with the channels last in memory."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from leyden_option_fast.technique import Technique

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


class ChannelsLast(Technique):
    """``channels-last``: weights of two-dimensional convolutions lie in memory as their fast kernels want them.

    torch then computes the activations in that layout, too, whatever the layout of the images. Values and shapes
    are the same; only strides change. Parameters stay the same objects, so optimizers keep them.
    """

    name: ClassVar[str] = "channels-last"
    part: ClassVar[str] = "gradients"

    def __init__(self) -> None:
        self.module: Any = None
        self.optimizers: list[Any] = []

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        if not any(isinstance(one, CONVOLUTIONS) for one in module.modules()):
            return "the module has no two-dimensional convolutions"
        return None

    def begin(self, trainer: Any, module: Any) -> None:
        self.module, self.optimizers = module, list(trainer.optimizers)
        self._arrange(torch.channels_last)

    def end(self) -> None:
        if self.module is not None:
            self._arrange(torch.contiguous_format)
            self.module = None

    def switch(self, on: bool) -> None:
        self._arrange(torch.channels_last if on else torch.contiguous_format)

    def _arrange(self, layout: torch.memory_format) -> None:
        """Give every four-dimensional parameter, buffer, gradient and moment of an optimizer a layout."""
        self.module.to(memory_format=layout)
        for optimizer in self.optimizers:
            for state in optimizer.state.values():
                for name, value in state.items():
                    if isinstance(value, Tensor) and value.ndim == 4:
                        state[name] = value.contiguous(memory_format=layout)
