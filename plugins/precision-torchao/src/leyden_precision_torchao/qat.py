"""Quantization-aware training: the forward pass rounds as the quantized module will."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import nn

from leyden.errors import ConfigurationError
from leyden_precision_torchao.layers import LinearPrecision

GROUP = 32
"""Inputs that share a scale with 4-bit weights."""
NAMES = ("int8-qat", "int4-qat")


class QATPrecision(LinearPrecision):
    """``int8-qat`` or ``int4-qat``: full precision, with numbers rounded to what will be int8 or int4.

    Activations are rounded to int8, with a scale a token; weights to int8 with a scale an output channel, or to int4
    with a scale for each 32 inputs (known as 8da4w). :meth:`quantize` then makes the module that has these weights.

    Args:
        precision: ``"int8-qat"`` or ``"int4-qat"``.
        base_config: a configuration of ``torchao.quantization`` that supports quantization-aware training, instead of
            the one that the name stands for.
        ignore_modules: paths; linear layers in and below them stay as they are, e.g. ``{"lm_head"}``.

    Raises:
        leyden.errors.ConfigurationError: another precision.
    """

    def __init__(
        self,
        precision: str = "int8-qat",
        base_config: Any = None,
        ignore_modules: Iterable[str] | None = None,
    ) -> None:
        if precision not in NAMES:
            raise ConfigurationError.about("precision", precision, " or ".join(map(repr, NAMES)))
        super().__init__(precision, ignore_modules)
        self.base_config = base_config

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build it; any device will do."""
        return cls(name)

    def takes(self, layer: nn.Linear) -> bool:
        grouped = self.precision == "int4-qat" and self.base_config is None
        return not grouped or layer.in_features % GROUP == 0

    def replacement(self, layer: nn.Linear) -> nn.Module:
        from torchao.quantization import quantize_
        from torchao.quantization.qat import QATConfig

        holder = nn.Sequential(layer)
        try:
            quantize_(holder, QATConfig(self._config(), step="prepare"))
        except (ValueError, AssertionError) as error:
            raise ConfigurationError.about(
                "base_config", self.base_config, "one that torchao can train with", str(error)
            ) from error
        return holder[0]

    def quantize(self, module: nn.Module) -> nn.Module:
        """A copy of a trained module whose linear layers hold int8 or int4 weights, for inference.

        Args:
            module: after the run.
        """
        from torchao.quantization import quantize_

        holder = nn.Sequential(copy.deepcopy(module))
        quantize_(
            holder, self._config(), filter_fn=lambda one, path: self._eligible(path.partition(".")[2], one)
        )
        return holder[0]

    def _config(self) -> Any:
        from torchao.quantization import Int8DynamicActivationIntxWeightConfig
        from torchao.quantization.granularity import PerAxis, PerGroup

        if self.base_config is not None:
            return self.base_config
        if self.precision == "int8-qat":
            return Int8DynamicActivationIntxWeightConfig(torch.int8, PerAxis(0))
        return Int8DynamicActivationIntxWeightConfig(torch.int4, PerGroup(GROUP))  # type: ignore[attr-defined]
