"""Float8 training: the matrix products of linear layers in 8 bits, everything else in bfloat16."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Self

import torch
from torch import nn

from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden_precision_torchao.layers import LinearPrecision, divisible

RECIPES = {"float8": "tensorwise", "float8-rowwise": "rowwise"}
SHORT_FORMS = {"fp8": "float8"}
CAPABILITY = (8, 9)
"""Of NVIDIA's GPUs: the first with matrix units for float8 (Ada; Hopper has 9.0)."""


class Float8Precision(LinearPrecision):
    """``float8`` or ``float8-rowwise``: parameters stay in float32, steps run under autocast to bfloat16.

    The products of linear layers, forward and backward, are computed from operands that are scaled and rounded to
    float8 when they are needed (torchao's ``convert_to_float8_training``). Layers whose sizes are no multiples of 16
    stay as they are. ``torch.compile`` is what makes it faster than bfloat16.

    Args:
        precision: ``"float8"`` has one scale a tensor, ``"float8-rowwise"`` one a row.
        device: the device, or its type.
        config: a ``torchao.float8.Float8LinearConfig`` instead of the one that the name stands for.
        ignore_modules: paths; linear layers in and below them stay as they are, e.g. ``{"lm_head"}``.
        emulate: round operands to float8 and multiply them in higher precision, on any hardware: the same numbers,
            slowly.

    Raises:
        leyden.errors.ConfigurationError: another precision, or ``config`` together with ``emulate``.
    """

    def __init__(
        self,
        precision: str = "float8",
        device: str | torch.device = "cuda",
        config: Any = None,
        ignore_modules: Iterable[str] | None = None,
        emulate: bool = False,
    ) -> None:
        name = SHORT_FORMS.get(precision, precision)
        if name not in RECIPES:
            raise ConfigurationError.about("precision", precision, "'float8' or 'float8-rowwise'")
        if config is not None and emulate:
            remedy = "A Float8LinearConfig says that itself: Float8LinearConfig(emulate=True)."
            raise ConfigurationError.about("emulate", emulate, "False beside config", remedy)
        super().__init__(name, ignore_modules)
        self.device, self.config, self.emulate = torch.device(device).type, config, emulate

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build it for a device; one without float8 emulates it, with a warning (``float8-emulated``)."""
        emulate = not has_float8(device)
        if emulate:
            warn(
                "float8-emulated",
                f"precision={name!r} is emulated on {device}, which has no matrix units for float8: numbers are as on "
                "an NVIDIA GPU of compute capability 8.9 or more, and steps are slower than in bfloat16.",
            )
        return cls(name, device, emulate=emulate)

    def takes(self, layer: nn.Linear) -> bool:
        return divisible(layer)

    def replacement(self, layer: nn.Linear) -> nn.Module:
        from torchao.float8 import Float8LinearConfig, convert_to_float8_training

        config = self.config
        if config is None:
            # Inner sizes that are no multiple of 16, such as an odd batch, are padded with zeros.
            recipe = Float8LinearConfig.from_recipe_name(RECIPES[self.precision])
            config = replace(recipe, emulate=self.emulate, pad_inner_dim=not self.emulate)
        made: nn.Module = convert_to_float8_training(layer, config=config)
        return made

    def forward_context(self) -> AbstractContextManager[Any]:
        """Autocast to bfloat16. Casts are not kept, so parameters may change within a step."""
        return torch.autocast(self.device, dtype=torch.bfloat16, cache_enabled=False)


def has_float8(device: torch.device) -> bool:
    """Whether a device multiplies matrices in float8."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return False
    if torch.version.hip is not None:
        return "gfx94" in torch.cuda.get_device_properties(device).gcnArchName
    return torch.cuda.get_device_capability(device) >= CAPABILITY
