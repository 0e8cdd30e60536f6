"""``BitsandbytesPrecision``: linear layers with 4-bit or 8-bit weights, everything else in half precision."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Self

import torch
from torch import Tensor, nn

from leyden.api.transfer import map_nested
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Precision
from leyden.plugins.errors import did_you_mean, listed
from leyden_precision_bitsandbytes.layers import MODES, engine, is_replaced, quantized
from leyden_precision_full.precision import default_dtype

PREFIX = "bitsandbytes-"


class BitsandbytesPrecision(Precision):
    """Puts bitsandbytes' linear layers in the place of torch's, for good; their weights are quantized on the device.

    With all modes but ``"int8-training"`` these weights are frozen: what is trained is everything else, e.g. adapters
    (QLoRA). Checkpoints hold ordinary weights under the names of the plain module, rounded to what was quantized.

    Args:
        mode: ``"nf4"``, ``"fp4"``; with ``-dq`` their scales are quantized as well; ``"int8"``; or ``"int8-training"``,
            which keeps trainable weights and computes products in int8.
        dtype: of everything else, and in which products are computed; ``torch.float16`` with int8. By default bfloat16
            where the hardware has it.
        ignore_modules: paths; linear layers in and below them stay as they are, e.g. ``{"lm_head"}``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible, or bitsandbytes cannot be imported.
    """

    def __init__(
        self, mode: str, dtype: torch.dtype | None = None, ignore_modules: Iterable[str] | None = None
    ) -> None:
        if mode not in MODES:
            hint = did_you_mean(mode, MODES) if isinstance(mode, str) else ""
            raise ConfigurationError.about("mode", mode, listed(MODES), hint)
        engine()
        super().__init__(f"{PREFIX}{mode}")
        self.mode, self.dtype = mode, _dtype(mode, dtype)
        if isinstance(ignore_modules, str):
            raise ArgumentTypeError.about(
                "ignore_modules", ignore_modules, "a set of paths such as {'lm_head'}"
            )
        self.ignore_modules = frozenset(ignore_modules or ())

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build the mode that a name ends with.

        Raises:
            leyden.errors.ConfigurationError: int8 training on a CPU, where bitsandbytes cannot evaluate it.
        """
        if name == f"{PREFIX}int8-training" and device.type == "cpu":
            remedy = "bitsandbytes has no kernel for trainable weights in evaluation there: use a GPU."
            raise ConfigurationError.about("precision", name, "another one on a CPU", remedy)
        return cls(name.removeprefix(PREFIX))

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Replace the linear layers and convert the rest; on the device, weights are then quantized.

        Raises:
            leyden.errors.ConfigurationError: the module has no linear layer.
        """
        if any(is_replaced(one) for one in module.modules()):
            return module
        if not any(isinstance(one, nn.Linear) for one in module.modules()):
            raise ConfigurationError(
                f"precision={self.precision!r} quantizes linear layers, and {type(module).__name__} has none."
            )
        module.to(dtype=self.dtype)
        if self._takes("", module):
            return quantized(module, self.mode, self.dtype)  # type: ignore[arg-type]
        for path, parent in list(module.named_modules()):
            for name, child in list(parent.named_children()):
                if self._takes(f"{path}.{name}" if path else name, child):
                    setattr(parent, name, quantized(child, self.mode, self.dtype))
        return module

    def convert_input(self, data: Any) -> Any:
        """Convert the floating-point tensors of a batch; what a step returns stays in the dtype."""
        return map_nested(data, _is_floating, lambda one: one.to(self.dtype))

    def forward_context(self) -> AbstractContextManager[None]:
        """Tensors that a step creates without a dtype have this one."""
        return default_dtype(self.dtype)

    def init_context(self) -> AbstractContextManager[None]:
        """Parameters are created in the dtype."""
        return default_dtype(self.dtype)

    def _takes(self, path: str, module: nn.Module) -> bool:
        inside = any(path == one or path.startswith(f"{one}.") for one in self.ignore_modules)
        return type(module) is nn.Linear and not inside


def _dtype(mode: str, given: torch.dtype | None) -> torch.dtype:
    if mode.startswith("int8"):
        if given not in (None, torch.float16):
            raise ConfigurationError.about("dtype", given, f"torch.float16 with mode={mode!r}")
        return torch.float16
    if given is None:
        has_bfloat16 = not torch.cuda.is_available() or torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_bfloat16 else torch.float16
    if not isinstance(given, torch.dtype) or not given.is_floating_point:
        raise ArgumentTypeError.about("dtype", given, "a floating-point dtype, e.g. torch.bfloat16")
    return given


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
