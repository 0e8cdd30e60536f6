"""Asking a module what it overrides."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import Mock

from leyden.api.callback import Callback
from leyden.api.datamodule import LightningDataModule
from leyden.api.module import LightningModule


def is_overridden(
    method_name: str, instance: object | None = None, parent: type[object] | None = None
) -> bool:
    """Whether an object has a method of its own.

    Args:
        method_name: the method.
        instance: the object; ``None`` overrides nothing.
        parent: the class whose method would not count; found from the object when ``None``.

    Raises:
        ValueError: the parent cannot be found, or has no such method.
    """
    if instance is None:
        return False
    if parent is None:
        known = (LightningModule, LightningDataModule, Callback)
        parent = next((one for one in known if isinstance(instance, one)), None)
        if parent is None:
            raise ValueError("Expected a parent")
    own = getattr(instance, method_name, None)
    if own is None:
        return False
    wrapped = own
    while not isinstance(wrapped, Mock) and hasattr(wrapped, "__wrapped__"):
        wrapped = wrapped.__wrapped__
    if isinstance(wrapped, Mock):
        wrapped = getattr(wrapped, "_mock_wraps", None) or wrapped
        if isinstance(wrapped, Mock):
            return True
    if isinstance(wrapped, partial):
        wrapped = wrapped.func
    base = getattr(parent, method_name, None)
    if base is None:
        raise ValueError("The parent should define the method")
    return bool(getattr(wrapped, "__code__", wrapped) != getattr(base, "__code__", base))


def get_torchvision_model(model_name: str, **kwargs: Any) -> Any:
    """A model of torchvision's by name."""
    models = import_module("torchvision.models")  # the caller's own package
    return models.get_model(model_name, **kwargs)
