"""Methods of the base class that take Lightning 1.x's parameters, for modules that call them through ``super``."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from leyden import LightningModule
from leyden_legacy.notes import note

LOG_KEYWORDS = frozenset({"tbptt_reduce_fx", "tbptt_pad_token", "sync_dist_op"})
"""Keywords that ``self.log`` had."""


PRESENT = {
    "optimizer_step": 4,
    "optimizer_zero_grad": 3,
    "backward": 1,
    "lr_scheduler_step": 2,
    "configure_gradient_clipping": 3,
}
"""How many arguments methods are called with at present."""


def optimizer_step(
    self: Any,
    epoch: int,
    batch_idx: int,
    optimizer: Any,
    optimizer_idx: Any = None,
    optimizer_closure: Any = None,
    on_tpu: bool = False,
    using_native_amp: bool = False,
    using_lbfgs: bool = False,
    **kwargs: Any,
) -> None:
    """Step with the closure, which stands where the present form or Lightning 1.x's has it."""
    closure = optimizer_idx if callable(optimizer_idx) else optimizer_closure
    LightningModule.optimizer_step(self, epoch, batch_idx, optimizer, closure)


def optimizer_zero_grad(
    self: Any, epoch: int, batch_idx: int, optimizer: Any, optimizer_idx: Any = None
) -> None:
    """Release the gradients."""
    LightningModule.optimizer_zero_grad(self, epoch, batch_idx, optimizer)


def backward(self: Any, loss: Any, *args: Any, **kwargs: Any) -> None:
    """Differentiate the loss; an optimizer and its index may stand beside it."""
    for name in ("optimizer", "optimizer_idx"):
        kwargs.pop(name, None)
    if args and (args[0] is None or isinstance(args[0], Optimizer)):
        args = args[2:]
    LightningModule.backward(self, loss, *args, **kwargs)


def lr_scheduler_step(self: Any, scheduler: Any, *args: Any, **kwargs: Any) -> None:
    """Step the scheduler with the metric, which comes last."""
    LightningModule.lr_scheduler_step(self, scheduler, kwargs.get("metric", args[-1] if args else None))


def configure_gradient_clipping(
    self: Any,
    optimizer: Any,
    *args: Any,
    gradient_clip_val: float | None = None,
    gradient_clip_algorithm: str | None = None,
    optimizer_idx: int | None = None,
) -> None:
    """Clip; the optimizer's index may stand between the optimizer and the value."""
    values = args[1:] if len(args) == 3 else args
    value, algorithm = (
        (*values, gradient_clip_val, gradient_clip_algorithm)[:2]
        if len(values) != 1
        else (
            values[0],
            gradient_clip_algorithm,
        )
    )
    LightningModule.configure_gradient_clipping(self, optimizer, value, algorithm)


def log(self: Any, name: str, value: Any, *args: Any, **kwargs: Any) -> None:
    """Log; ``sync_dist_op`` and the keywords of truncated backpropagation through time are understood."""
    LightningModule.log(self, name, value, *args, **_present(kwargs))


def log_dict(self: Any, dictionary: Any, *args: Any, **kwargs: Any) -> None:
    """Log several values; as :func:`log`."""
    LightningModule.log_dict(self, dictionary, *args, **_present(kwargs))


def _present(kwargs: dict[str, Any]) -> dict[str, Any]:
    if not LOG_KEYWORDS.isdisjoint(kwargs):
        operation = kwargs.pop("sync_dist_op", None)
        for one in ("tbptt_reduce_fx", "tbptt_pad_token"):
            if kwargs.pop(one, None) is not None:
                note(f"self.log({one}=…)", "self.log without it: values are reduced by reduce_fx")
        if operation is not None:
            note("self.log(sync_dist_op=…)", "self.log(reduce_fx=…), which also reduces over processes")
            kwargs.setdefault("reduce_fx", operation)
    return kwargs


LENIENT: dict[str, Any] = {
    "optimizer_step": optimizer_step,
    "optimizer_zero_grad": optimizer_zero_grad,
    "backward": backward,
    "lr_scheduler_step": lr_scheduler_step,
    "configure_gradient_clipping": configure_gradient_clipping,
    "log": log,
    "log_dict": log_dict,
}
