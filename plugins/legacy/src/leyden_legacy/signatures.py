"""Methods and hooks with the parameters that they had in Lightning 1.x."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from leyden.api.arguments import positional
from leyden_legacy.notes import note
from leyden_legacy.outputs import STAGES, kept

INDEX = ("optimizer_idx", "opt_idx", "optimizer_i")
"""How training steps and hooks call the index of an optimizer."""

_FLAGS = ("on_tpu", "using_native_amp", "using_lbfgs")
MODERN = {
    "optimizer_step": "optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)",
    "optimizer_zero_grad": "optimizer_zero_grad(epoch, batch_idx, optimizer)",
    "lr_scheduler_step": "lr_scheduler_step(scheduler, metric)",
    "backward": "backward(loss)",
    "configure_gradient_clipping": "configure_gradient_clipping(optimizer, gradient_clip_val, "
    "gradient_clip_algorithm)",
    "transfer_batch_to_device": "transfer_batch_to_device(batch, device, dataloader_idx)",
    "on_before_batch_transfer": "on_before_batch_transfer(batch, dataloader_idx)",
    "on_after_batch_transfer": "on_after_batch_transfer(batch, dataloader_idx)",
}
"""Methods of the module (or data module) and their present parameters."""


def method(owner: Any, name: str, call: Callable[..., Any]) -> Callable[..., Any] | None:
    """A method of the module (or data module) with 1.x's parameters as one with the present ones."""
    adapt = _METHODS.get(name)
    if adapt is None:
        return None
    names, required, _ = positional(call)
    adapted: Callable[..., Any] | None = adapt(owner, call, names, required)
    if adapted is not None:
        note(f"{name}({', '.join(names)})", MODERN[name])
    return adapted


def index_of(module: Any) -> int:
    """The index of the optimizer whose turn it is."""
    return int(getattr(module.trainer.session.step, "optimizer_idx", 0))


def _optimizer_step(module: Any, call: Any, names: list[str], required: int) -> Any:
    unnamed = [one for one in names[:required] if one not in _FLAGS]
    if len(unnamed) > 5 or not (len(unnamed) == 5 or any(one in names for one in INDEX)):
        return None
    keywords = inspect.signature(call).parameters
    rest = any(one.kind is one.VAR_KEYWORD for one in keywords.values())

    def step(epoch: int, batch_idx: int, optimizer: Any, closure: Any) -> Any:
        from torch.optim import LBFGS

        module_, values = module, (epoch, batch_idx, optimizer, index_of(module), closure)
        native = "mixed" in str(module_.trainer.precision)
        flags = dict(zip(_FLAGS, (False, native, isinstance(optimizer, LBFGS)), strict=True))
        given = {key: value for key, value in flags.items() if rest or key in keywords}
        return call(*values, **given)

    return step


def _zero_grad(module: Any, call: Any, names: list[str], required: int) -> Any:
    if len(names) != 4:
        return None
    return lambda epoch, batch_idx, optimizer: call(epoch, batch_idx, optimizer, index_of(module))


def _clipping(module: Any, call: Any, names: list[str], required: int) -> Any:
    if len(names) != 4:
        return None
    return lambda optimizer, value, algorithm: call(optimizer, index_of(module), value, algorithm)


def _scheduler_step(module: Any, call: Any, names: list[str], required: int) -> Any:
    return (lambda scheduler, metric: call(scheduler, index_of(module), metric)) if len(names) == 3 else None


def _backward(module: Any, call: Any, names: list[str], required: int) -> Any:
    if len(names) not in (2, 3) or "optimizer" not in names[1]:
        return None

    def backward(loss: Any, *args: Any, **kwargs: Any) -> Any:
        step = module.trainer.session.step
        optimizer = getattr(step, "optimizer", None)
        index = index_of(module) if optimizer is not None else None
        return call(*(loss, optimizer, index)[: len(names)], *args, **kwargs)

    return backward


def _transfer(owner: Any, call: Any, names: list[str], required: int) -> Any:
    return (lambda batch, device, index: call(batch, device)) if len(names) == 2 else None


def _around_transfer(owner: Any, call: Any, names: list[str], required: int) -> Any:
    return (lambda batch, index: call(batch)) if len(names) == 1 else None


_METHODS = {
    "optimizer_step": _optimizer_step,
    "optimizer_zero_grad": _zero_grad,
    "configure_gradient_clipping": _clipping,
    "lr_scheduler_step": _scheduler_step,
    "backward": _backward,
    "transfer_batch_to_device": _transfer,
    "on_before_batch_transfer": _around_transfer,
    "on_after_batch_transfer": _around_transfer,
}


def training_step(module: Any, call: Callable[..., Any], names: list[str]) -> Any:
    """A training step that takes ``optimizer_idx`` or ``hiddens`` beside batch and batch index."""
    extra = names[2:]
    if any(one not in (*INDEX, "hiddens") for one in extra):
        return None
    note(
        "training_step(batch, batch_idx, optimizer_idx)",
        "manual optimization (automatic_optimization = False)",
    )

    def step(batch: Any, batch_idx: int) -> Any:
        values = {one: None if one == "hiddens" else index_of(module) for one in extra}
        return call(batch, batch_idx, **values)

    return step


def takes_outputs(hook: str, call: Callable[..., Any], skip: int) -> bool:
    """Whether an epoch-end hook takes the outputs of its epoch."""
    try:
        return epoch_end_with_outputs(hook, positional(call)[1], skip) is not None
    except (TypeError, ValueError):
        return False


def epoch_end_with_outputs(hook: str, required: int, skip: int) -> str | None:
    """The stage whose outputs an epoch-end hook takes, if it takes any."""
    stage = hook.removeprefix("on_").removesuffix("_epoch_end")
    return stage if stage in STAGES and hook.endswith("_epoch_end") and required == 3 - skip else None


def listener(kind: str, hook: str, call: Callable[..., Any]) -> Callable[..., Any] | None:
    """A hook with 1.x's parameters as one with the present ones; those of epoch ends with ``outputs`` are elsewhere."""
    skip = 2 if kind in ("module", "datamodule") else 0
    try:
        _, required, _ = positional(call)
    except (TypeError, ValueError):  # no signature, or no self: whoever asks says so
        return None
    if hook in ("on_train_batch_start", "on_train_batch_end"):
        modern = {"on_train_batch_start": 4, "on_train_batch_end": 5}[hook] - skip
        if required == modern + 1:
            note(f"{hook} with dataloader_idx", f"{hook} without it")
            return lambda *args: call(*args, 0)
    stage = epoch_end_with_outputs(hook, required, skip)
    if stage is not None:
        note(f"{hook} with outputs", f"{hook} without them; keep what you need in the step")
        if skip:
            return lambda: call(kept(call.__self__.trainer.session, stage))  # type: ignore[attr-defined]
        return lambda trainer, module: call(trainer, module, kept(trainer.session, stage))
    if hook == "on_before_optimizer_step" and required == 4 - skip:
        note("on_before_optimizer_step with optimizer_idx", "on_before_optimizer_step(optimizer)")
        if skip:
            return lambda optimizer: call(optimizer, index_of(call.__self__))  # type: ignore[attr-defined]
        return lambda trainer, module, optimizer: call(trainer, module, optimizer, index_of(module))
    return None
