"""Modules that ``torch.compile`` wrapped."""

from __future__ import annotations

from typing import Any

from leyden.api.compiled import compile_steps, is_compiled, restore_steps
from leyden.api.module import LightningModule


def from_compiled(model: Any) -> LightningModule:
    """The module inside a compiled one, whose ``forward`` and steps run compiled from now on.

    Raises:
        ValueError: it is not compiled, or what is inside is no LightningModule.
    """
    inner = getattr(model, "_orig_mod", None)
    if inner is None or not is_compiled(model):
        raise ValueError(
            f"`model` is required to be a `OptimizedModule`. Found a `{type(model).__name__}` instead."
        )
    if not isinstance(inner, LightningModule):
        raise ValueError(
            f"`model` is expected to be a compiled LightningModule. Found a `{type(inner).__name__}`."
        )
    return compile_steps(model)


def to_uncompiled(model: Any) -> LightningModule:
    """The module with the ``forward`` and the steps that it had before it was compiled; changes it in place.

    Args:
        model: what ``torch.compile`` or :func:`from_compiled` returned.

    Raises:
        TypeError: a compiled model whose inside is no LightningModule.
        ValueError: neither of these, or a module that is not compiled.
    """
    if is_compiled(model):
        if not isinstance(model._orig_mod, LightningModule):
            raise TypeError(
                f"Unexpected error, the wrapped model should be a LightningModule, found {type(model).__name__}"
            )
        return restore_steps(model._orig_mod)
    if isinstance(model, LightningModule):
        if model._compiler_ctx is None:
            raise ValueError(
                "`model` is required to be a compiled LightningModule. Found a non-compiled LightningModule instead."
            )
        return restore_steps(model)
    raise ValueError("`model` must either be an instance of OptimizedModule or LightningModule")
