"""Autocast, and for float16 a scaled loss."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Self

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from leyden.api.warn import warn
from leyden.errors import ConfigurationError, UserCodeError
from leyden.interfaces import Precision
from leyden.interfaces.precision import Closure
from leyden_precision_mixed.optimizers import has_gradients, needs_closure, unscales_by_itself

DTYPES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
SHORT_FORMS = {"16": "16-mixed", "bf16": "bf16-mixed"}


class MixedPrecision(Precision):
    """``16-mixed`` or ``bf16-mixed``: parameters stay in float32, and steps run under autocast.

    With float16 the loss is scaled before backward, and gradients are unscaled before hooks, clipping and the
    update; an update whose gradients overflowed is left out and the scale is halved.

    Args:
        precision: ``"16-mixed"`` or ``"bf16-mixed"``.
        device: the device, or its type, e.g. ``"cuda"``.
        scaler: the loss scaler for ``"16-mixed"``; ``None`` makes a ``torch.amp.GradScaler``.

    Raises:
        leyden.errors.ConfigurationError: another precision, or a scaler with ``"bf16-mixed"``.
    """

    def __init__(self, precision: str, device: str | torch.device, scaler: GradScaler | None = None) -> None:
        if precision not in DTYPES:
            raise ConfigurationError.about("precision", precision, "'16-mixed' or 'bf16-mixed'")
        if scaler is not None and precision == "bf16-mixed":
            remedy = "bfloat16 has the range of float32, so nothing has to be scaled."
            raise ConfigurationError.about("scaler", scaler, "None with 'bf16-mixed'", remedy)
        super().__init__(precision)
        self.device = torch.device(device).type
        self.scaler = GradScaler(self.device) if scaler is None and precision == "16-mixed" else scaler
        self._unscaled: set[int] = set()
        self._unscaled_for_clipping: set[int] = set()
        self._checked: set[Any] = set()

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build the precision for a device; ``"16"`` and ``"bf16"`` are short forms.

        On a CPU ``"16-mixed"`` becomes ``"bf16-mixed"``, with a warning (``fp16-on-cpu``).
        """
        precision = SHORT_FORMS.get(name, name)
        if precision == "16-mixed" and device.type == "cpu":
            warn("fp16-on-cpu", f"precision={name!r} is 'bf16-mixed' on a CPU, which has no fast float16.")
            precision = "bf16-mixed"
        return cls(precision, device)

    def forward_context(self) -> AbstractContextManager[Any]:
        """Autocast to the format. Casts are not kept, so parameters may change within a step."""
        return torch.autocast(self.device, dtype=DTYPES[self.precision], cache_enabled=False)

    def scale(self, loss: Tensor) -> Tensor:
        """Multiply the loss by the scale."""
        return loss if self.scaler is None else self.scaler.scale(loss)

    def unscale(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer by the scale.

        Fused optimizers do that by themselves in their step; their gradients stay scaled until then.
        """
        if self.scaler is None or unscales_by_itself(optimizer) or not has_gradients(optimizer):
            return
        if id(optimizer) in self._unscaled_for_clipping:
            self._unscaled_for_clipping.discard(id(optimizer))
            return
        self.scaler.unscale_(optimizer)
        self._unscaled.add(id(optimizer))

    def step(self, optimizer: Optimizer) -> Any:
        """Apply the gradients unless they hold inf or NaN, then adapt the scale.

        Raises:
            leyden.errors.ConfigurationError: float16, and the optimizer computes gradients several times.
        """
        if self.scaler is None:
            return optimizer.step()
        self._check(optimizer)
        if id(optimizer) not in self._unscaled and not has_gradients(optimizer):
            return optimizer.step()
        self._unscaled.discard(id(optimizer))
        self._unscaled_for_clipping.discard(id(optimizer))
        result = self.scaler.step(optimizer)
        self.scaler.update()
        return result

    def step_with_closure(self, optimizer: Optimizer, closure: Closure, **kwargs: Any) -> Any:
        """Let the optimizer call the closure; with float16 it is called once, before the step.

        Raises:
            leyden.errors.ConfigurationError: as :meth:`step`.
        """
        if self.scaler is None:
            return optimizer.step(closure=closure, **kwargs)
        self._check(optimizer)
        loss = closure()
        self.step(optimizer)
        return loss

    def clip_grad_value(self, optimizer: Optimizer, clip_value: float) -> None:
        """Clamp the unscaled gradients.

        Raises:
            leyden.errors.UserCodeError: float16 with an optimizer that unscales by itself.
        """
        self._before_clipping(optimizer)
        super().clip_grad_value(optimizer, clip_value)

    def clip_grad_norm(self, optimizer: Optimizer, clip_norm: float) -> Tensor:
        """Bound the 2-norm of the unscaled gradients; raises as :meth:`clip_grad_value`."""
        self._before_clipping(optimizer)
        return super().clip_grad_norm(optimizer, clip_norm)

    def state_dict(self) -> dict[str, Any]:
        """The scale and how long it has held; empty without a scaler."""
        return {} if self.scaler is None else self.scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the scale back. A state without one (of a run in bfloat16) leaves the scale as it is."""
        if self.scaler is not None and state:
            self.scaler.load_state_dict(state)

    def teardown(self) -> None:
        """Forget which gradients were unscaled: an interrupted step must not reach into the next run."""
        self._unscaled.clear()
        self._unscaled_for_clipping.clear()

    def _before_clipping(self, optimizer: Optimizer) -> None:
        """Unscale where the step has not done so yet: a bound means nothing for scaled gradients."""
        if self.scaler is None:
            return
        if unscales_by_itself(optimizer):
            raise UserCodeError(
                f"The gradients of {type(optimizer).__name__} cannot be clipped with precision='16-mixed': "
                "they are unscaled inside its step (fused=True). Make it with fused=False, or do not clip."
            )
        if id(optimizer) not in self._unscaled:
            self.unscale(optimizer)
            self._unscaled_for_clipping.add(id(optimizer))

    def _check(self, optimizer: Optimizer) -> None:
        """Refuse optimizers that compute gradients themselves; a class is looked at once."""
        kind = type(optimizer)
        if kind not in self._checked and needs_closure(kind):
            raise ConfigurationError(
                f"{kind.__name__} computes gradients several times in a step, and precision='16-mixed' can "
                "scale the loss once alone. Use precision='bf16-mixed' or '32-true', or another optimizer."
            )
        self._checked.add(kind)
