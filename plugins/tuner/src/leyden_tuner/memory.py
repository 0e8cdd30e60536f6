"""What was there before a search, so that it can be put back bit for bit."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from leyden.api.hparams import AttributeDict
from leyden.errors import ConfigurationError

_DICTS = (dict, OrderedDict, defaultdict, Counter, AttributeDict)
_LISTS = (list, deque, set)


class Memory:
    """Keeps objects as they are now, and puts their contents back into the same objects.

    Kept are tensors (values and gradients, in host memory), modules with all their attributes, optimizers,
    dataclasses, and dicts, lists, sets and deques within them. Any other object is kept by reference: what changes
    inside it stays changed.

    Args:
        values: whether the values of tensors are kept; without it, tensors are kept by reference.
    """

    def __init__(self, *, values: bool = True) -> None:
        self._values = values
        self._seen: dict[int, Any] = {}
        self._undo: list[Callable[[], Any]] = []

    def keep(self, *objects: Any) -> None:
        """Keep objects with their attributes.

        Raises:
            leyden.errors.ConfigurationError: a module has lazy parameters, which have no value yet.
        """
        for one in objects:
            if id(one) not in self._seen:
                self._seen[id(one)] = one
                self._attributes(one)

    def restore(self) -> None:
        """Put everything back."""
        with torch.no_grad():
            for undo in self._undo:
                undo()

    def _visit(self, values: Iterable[Any]) -> None:
        for value in values:
            if id(value) in self._seen:
                continue
            kind = type(value)
            if isinstance(value, Tensor):
                if self._values:
                    self._seen[id(value)] = value
                    self._tensor(value)
            elif kind in _DICTS or kind in _LISTS or kind is tuple:
                self._seen[id(value)] = value
                self._container(value)
            elif isinstance(value, nn.Module | Optimizer) or (is_dataclass(value) and kind is not type):
                self._seen[id(value)] = value
                self._attributes(value)

    def _attributes(self, value: Any) -> None:
        if hasattr(value, "__dict__"):
            self._container(vars(value))
        elif is_dataclass(value):
            kept = {one.name: getattr(value, one.name) for one in fields(value)}
            self._undo.append(partial(_set_fields, value, kept))
            self._visit(kept.values())

    def _container(self, value: Any) -> None:
        if isinstance(value, dict):
            items = dict(value)
            self._undo.append(partial(_refill, value, value.update, items))
            self._visit(items.values())
            return
        kept = tuple(value)
        if isinstance(value, set):
            self._undo.append(partial(_refill, value, value.update, kept))
        elif not isinstance(value, tuple):
            self._undo.append(partial(_refill, value, value.extend, kept))
        self._visit(kept)

    def _tensor(self, value: Tensor) -> None:
        if is_lazy(value):
            raise ConfigurationError(
                "The module has parameters that get their shape with the first batch (lazy layers), so it cannot be "
                "put back after a search. Call it with a batch first."
            )
        content, needed = _copied(value), value.requires_grad
        grad = value.grad if value.is_leaf else None
        gradient = None if grad is None else _copied(grad)

        def undo() -> None:
            _fill(value, content)
            if value.is_leaf:
                value.requires_grad_(needed)
                if grad is not None and gradient is not None:
                    _fill(grad, gradient)
                value.grad = grad

        self._undo.append(undo)


def _set_fields(value: Any, kept: dict[str, Any]) -> None:
    for name, one in kept.items():
        object.__setattr__(value, name, one)


def _refill(container: Any, fill: Callable[[Any], None], kept: Any) -> None:
    container.clear()
    fill(kept)


def _copied(tensor: Tensor) -> Tensor:
    found = tensor.detach()
    return found.clone() if found.device.type == "cpu" else found.to("cpu", copy=True)


def _fill(tensor: Tensor, content: Tensor) -> None:
    if tensor.shape == content.shape and tensor.dtype == content.dtype:
        tensor.detach().copy_(content)
    else:
        tensor.data = content.to(tensor.device, copy=True)
