"""Number formats that DeepSpeed's engine keeps by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from leyden.errors import ConfigurationError
from leyden.interfaces import Precision

FORMATS = {
    "32-true": torch.float32,
    "bf16-mixed": torch.bfloat16,
    "bf16-true": torch.bfloat16,
    "16-mixed": torch.float16,
    "16-true": torch.float16,
}


class DeepSpeedPrecision(Precision):
    """The engine converts weights, keeps fp32 copies of them for the optimizer and scales fp16 losses.

    Args:
        precision: one of ``"32-true"``, ``"bf16-mixed"``, ``"bf16-true"``, ``"16-mixed"``, ``"16-true"``. The engine
            keeps one format of weights, so ``mixed`` and ``true`` mean the same.

    Raises:
        leyden.errors.ConfigurationError: the engine has no such format.
    """

    def __init__(self, precision: str = "32-true") -> None:
        if precision not in FORMATS:
            raise ConfigurationError.about("precision", precision, ", ".join(map(repr, FORMATS)))
        super().__init__(precision)
        self.dtype = FORMATS[precision]

    def convert_input(self, data: Any) -> Any:
        """Floating-point tensors in the format of the weights."""
        if self.dtype is torch.float32:
            return data
        return tree_map(self._converted, data)

    def _converted(self, one: Any) -> Any:
        return one.to(self.dtype) if isinstance(one, Tensor) and one.is_floating_point() else one
