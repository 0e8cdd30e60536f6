"""Modules and steps that ``torch.compile`` compiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from leyden.api.module import LightningModule

METHODS = ("forward", "training_step", "validation_step", "test_step", "predict_step")


def is_compiled(model: Any) -> bool:
    """Whether a model is what ``torch.compile(module)`` returns."""
    return hasattr(model, "_orig_mod") and hasattr(model, "dynamo_ctx")


def compile_steps(model: Any, names: Sequence[str] = METHODS) -> LightningModule:
    """The module inside what ``torch.compile(module)`` returned, whose steps run compiled from now on.

    ``torch.compile`` wraps ``__call__`` alone, which no loop calls. As in Lightning, ``forward`` and the steps become
    compiled with the same backend, mode and options; steps that the class does not override stay as they are.
    ``module._compiler_ctx`` remembers what they were, for :func:`restore_steps`.

    Args:
        model: what ``torch.compile`` returned for a module.
        names: which methods become compiled.
    """
    from leyden.api.module import LightningModule

    module: LightningModule = model._orig_mod
    if module._compiler_ctx is not None:
        restore_steps(module)
    context = model.dynamo_ctx
    originals: dict[str, Any] = {"compiler": "dynamo", "dynamo_ctx": context}
    for name in METHODS:
        method = originals[f"original_{name}"] = getattr(module, name)
        if name in names and getattr(method, "__func__", method) is not getattr(LightningModule, name):
            originals[f"instance_{name}"] = module.__dict__.get(name)
            module.__dict__[name] = context(method)
    module.__dict__["_compiler_ctx"] = originals
    return module


def restore_steps(module: LightningModule) -> LightningModule:
    """The module with the steps that it had before :func:`compile_steps`."""
    if module._compiler_ctx is not None:
        kept = without_compiled(module, module.__dict__)
        for name in METHODS:
            module.__dict__.pop(name, None)
            if name in kept:
                module.__dict__[name] = kept[name]
        module.__dict__["_compiler_ctx"] = None
    return module


def without_compiled(module: LightningModule, state: dict[str, Any]) -> dict[str, Any]:
    """A copy of a module's attributes in which its steps are those before :func:`compile_steps`."""
    before, state = module._compiler_ctx or {}, dict(state)
    for name in METHODS:
        if f"instance_{name}" in before:
            state.pop(name, None)
            if before[f"instance_{name}"] is not None:
                state[name] = before[f"instance_{name}"]
    return state


def graph_output(value: Any, attached: bool) -> Any:
    """What a compiled step hands out of its graph for ``self.log``: as :class:`~leyden.api.results.Results` keeps it.

    What has no graph may be a buffer or a parameter, which change in place: those are copied.
    """
    if isinstance(value, Tensor):
        if attached:
            return value
        return value.detach() if value.requires_grad else value.detach().clone()
    if isinstance(value, Mapping):
        return {name: graph_output(one, attached) for name, one in value.items()}
    return value
