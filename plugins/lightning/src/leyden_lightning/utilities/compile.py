"""Modules that ``torch.compile`` wrapped."""

from __future__ import annotations

from typing import Any

from leyden.api.module import LightningModule


def from_compiled(model: Any) -> LightningModule:
    """The module inside a compiled one.

    Raises:
        ValueError: it is not compiled, or what is inside is no LightningModule.
    """
    inner = getattr(model, "_orig_mod", None)
    if inner is None:
        raise ValueError(
            f"`model` is required to be a `OptimizedModule`. Found a `{type(model).__name__}` instead."
        )
    if not isinstance(inner, LightningModule):
        raise ValueError(
            f"`model` is expected to be a compiled LightningModule. Found a `{type(inner).__name__}`."
        )
    return inner


def to_uncompiled(model: Any) -> LightningModule:
    """The module itself, whether or not it is compiled.

    Raises:
        ValueError: it is no LightningModule.
    """
    if hasattr(model, "_orig_mod"):
        return from_compiled(model)
    if isinstance(model, LightningModule):
        return model
    raise ValueError(
        f"`model` must either be an instance of OptimizedModule or LightningModule, not {type(model)}."
    )
