"""Int8 training: the matrix products of linear layers in 8-bit integers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import torch
from torch import nn

from leyden.errors import ConfigurationError
from leyden_precision_torchao.layers import LinearPrecision, divisible


class Int8Precision(LinearPrecision):
    """``int8-mixed``: parameters stay as they are; the products of linear layers are of int8 operands, scaled by row.

    It is torchao's mixed int8 training, a prototype there. GPUs from Ampere on, and CPUs, multiply int8. Layers whose
    sizes are no multiples of 16 stay as they are.

    Args:
        precision: ``"int8-mixed"``.
        ignore_modules: paths; linear layers in and below them stay as they are, e.g. ``{"lm_head"}``.
        output: whether the product of the forward pass is in int8.
        grad_input: whether the product that differentiates by the input is.
        grad_weight: whether the product that differentiates by the weight is; ``False`` is more exact.

    Raises:
        leyden.errors.ConfigurationError: another precision.
    """

    def __init__(
        self,
        precision: str = "int8-mixed",
        ignore_modules: Iterable[str] | None = None,
        *,
        output: bool = True,
        grad_input: bool = True,
        grad_weight: bool = True,
    ) -> None:
        if precision != "int8-mixed":
            raise ConfigurationError.about("precision", precision, "'int8-mixed'")
        super().__init__(precision, ignore_modules)
        self.output, self.grad_input, self.grad_weight = output, grad_input, grad_weight

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build it; any device will do."""
        return cls(name)

    def takes(self, layer: nn.Linear) -> bool:
        return divisible(layer)

    def replacement(self, layer: nn.Linear) -> nn.Module:
        from torchao.prototype.quantized_training import Int8MixedPrecisionTrainingConfig
        from torchao.quantization import quantize_

        holder = nn.Sequential(layer)
        config = Int8MixedPrecisionTrainingConfig(
            output=self.output, grad_input=self.grad_input, grad_weight=self.grad_weight, module_swap=True
        )
        quantize_(holder, config)
        return holder[0]
