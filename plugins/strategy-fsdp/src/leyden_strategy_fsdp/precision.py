"""``FSDPPrecision``: number formats of sharded modules."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.distributed.fsdp import MixedPrecisionPolicy
from torch.optim import Optimizer

from leyden.errors import ConfigurationError
from leyden.interfaces import Precision
from leyden.interfaces.precision import gradients_of
from leyden.plugins.errors import listed
from leyden_precision_mixed import MixedPrecision
from leyden_strategy_fsdp.tensors import clip_norm, clip_value

DTYPES = {
    "32-true": torch.float32,
    "16-true": torch.float16,
    "bf16-true": torch.bfloat16,
    "16-mixed": torch.float16,
    "bf16-mixed": torch.bfloat16,
}


class FSDPPrecision(MixedPrecision):
    """Full, half or mixed precision of a sharded module; clips gradients over all shards.

    Args:
        precision: ``"32-true"``, ``"16-true"``, ``"bf16-true"``, ``"16-mixed"`` or ``"bf16-mixed"``.
        scaler: the loss scaler for ``"16-mixed"``; by default one whose overflows all processes know of.

    Raises:
        leyden.errors.ConfigurationError: another precision, or a scaler with one that does not scale.
    """

    def __init__(self, precision: str, scaler: GradScaler | None = None) -> None:
        if precision not in DTYPES:
            raise ConfigurationError.about("precision", precision, listed(DTYPES))
        if scaler is not None and precision != "16-mixed":
            raise ConfigurationError.about("scaler", scaler, f"None with {precision!r}")
        if precision.endswith("-mixed"):
            super().__init__(precision, "cpu", scaler)
        else:
            super().__init__("bf16-mixed", "cpu")
            self.precision = precision
        self._own_scaler = scaler is not None
        if scaler is None:
            self.scaler = None

    def place(self, device: torch.device) -> None:
        """Take the device, which autocast and the loss scaler need."""
        self.device = device.type
        if self.precision == "16-mixed" and not self._own_scaler:
            from torch.distributed.fsdp.sharded_grad_scaler import ShardedGradScaler

            self.scaler = ShardedGradScaler(device.type)

    @property
    def dtype(self) -> torch.dtype:
        """The format in which steps compute."""
        return DTYPES[self.precision]

    @property
    def mixed_precision_config(self) -> MixedPrecisionPolicy:
        """FSDP2's policy: shards stay as they are, their whole and gradients' reduction have the format."""
        if not self.precision.endswith("-mixed"):
            return MixedPrecisionPolicy()
        return MixedPrecisionPolicy(
            param_dtype=self.dtype, reduce_dtype=self.dtype, cast_forward_inputs=False
        )

    def convert_module(self, module: nn.Module) -> nn.Module:
        return module.to(self.dtype) if self.precision in ("16-true", "bf16-true") else module

    def convert_input(self, data: Any) -> Any:
        if self.precision not in ("16-true", "bf16-true"):
            return data
        from leyden.api.transfer import map_nested

        return map_nested(
            data,
            lambda one: isinstance(one, Tensor) and one.is_floating_point(),
            lambda one: one.to(self.dtype),
        )

    def forward_context(self) -> AbstractContextManager[Any]:
        return super().forward_context() if self.precision.endswith("-mixed") else nullcontext()

    def clip_grad_norm(self, optimizer: Optimizer, clip_norm_: float) -> Tensor:
        """Bound the 2-norm over all shards of the unscaled gradients."""
        self._before_clipping(optimizer)
        return clip_norm(gradients_of(optimizer), clip_norm_)

    def clip_grad_value(self, optimizer: Optimizer, clip_value_: float) -> None:
        """Clamp the unscaled gradients."""
        self._before_clipping(optimizer)
        clip_value(gradients_of(optimizer), clip_value_)


def sharded(given: Precision, strategy: str) -> FSDPPrecision:
    """The precision of a sharded module that goes by the same name.

    Raises:
        leyden.errors.ConfigurationError: there is none.
    """
    if isinstance(given, FSDPPrecision):
        return given
    known = ("Precision", "FullPrecision", "HalfPrecision", "MixedPrecision")
    own_scaler = type(getattr(given, "scaler", None)) not in (type(None), GradScaler)
    if given.precision not in DTYPES or type(given).__name__ not in known or own_scaler:
        raise ConfigurationError.about(
            "precision",
            given.precision,
            f"{listed(DTYPES)} with {strategy}",
            "Or give an FSDPPrecision as plugin.",
        )
    return FSDPPrecision(given.precision)
