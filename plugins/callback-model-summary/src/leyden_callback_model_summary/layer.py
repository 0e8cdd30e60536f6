"""One submodule in a summary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

UNKNOWN = "?"
Size = str | list[Any]


class LayerSummary:
    """A submodule's type, parameters, mode and, once it was called, the sizes of that call.

    Args:
        module: the submodule.

    Attributes:
        in_size: the shape of its input, nested like the input; ``"?"`` when it was not called or got a scalar.
        out_size: the shape of its output.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.in_size: Size = UNKNOWN
        self.out_size: Size = UNKNOWN
        self._handle: Any = None
        if not isinstance(module, torch.jit.ScriptModule):  # which take no hooks
            self._handle = module.register_forward_hook(self._called, with_kwargs=True)

    @property
    def layer_type(self) -> str:
        """The name of its class."""
        return type(self.module).__name__

    @property
    def num_parameters(self) -> int:
        """Its parameters, those of its children included; lazy ones count when they have a shape."""
        return count(self.module.parameters())

    @property
    def training(self) -> bool:
        """Whether it is in training mode."""
        return self.module.training

    def detach_hook(self) -> None:
        """Note no more sizes, and leave the submodule as it was."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def _called(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        inputs = (*args, *kwargs.values())
        self.in_size = size_of(inputs[0] if len(inputs) == 1 else inputs) or UNKNOWN
        self.out_size = size_of(output) or UNKNOWN
        self.detach_hook()


def size_of(batch: Any) -> Size:
    """The shape of a tensor, the list of shapes of a sequence, ``"?"`` of anything else."""
    if hasattr(batch, "shape"):
        return list(batch.shape)
    if isinstance(batch, list | tuple):
        return [size_of(one) for one in batch]
    return UNKNOWN


def count(parameters: Iterable[nn.Parameter]) -> int:
    """How many numbers parameters hold. Lazy ones hold none yet; sharded ones count whole."""
    return sum(0 if is_lazy(one) else int(getattr(one, "ds_numel", one.numel())) for one in parameters)
