"""The sample of an export: as arguments of ``forward``, and as batches of other sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

from leyden.api.data_hooks import DataHooks
from leyden.api.transfer import map_nested, move_to_device
from leyden.plugins.adapt import overridden
from leyden.plugins.errors import ConfigurationError

HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


@dataclass(frozen=True)
class Inputs:
    """Arguments of a module's ``forward``.

    Attributes:
        args: by position.
        kwargs: by name.
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Any, sample: Any) -> Inputs | None:
        """The sample, or the module's ``example_input_array``, as a batch of its data would reach ``forward``.

        It passes the transfer hooks of the module (or of its running data module) and ends on the module's device. A
        tuple or list holds positional arguments, and at its end perhaps a mapping of keyword arguments, as in ONNX;
        a mapping holds keyword arguments, unless ``forward`` takes the whole as its only argument instead; anything
        else is the only argument.

        Returns:
            ``None`` when there is no sample at all.

        Raises:
            leyden.errors.ConfigurationError: ``forward`` takes it in neither way.
        """
        sample = getattr(model, "example_input_array", None) if sample is None else sample
        if sample is None:
            return None
        sample = map_nested(sample, lambda one: isinstance(one, Tensor), lambda one: one.detach().clone())
        sample = _transferred(model, sample)
        whole = cls((sample,))
        if isinstance(sample, tuple | list):
            parts = _positional(model, tuple(sample))
        elif isinstance(sample, Mapping) and all(isinstance(one, str) for one in sample):
            parts = cls((), dict(sample))
        else:
            return whole
        return _fitting(model, parts, whole)

    def __call__(self, function: Any) -> Any:
        """Call a function with them."""
        return function(*self.args, **self.kwargs)

    @property
    def leaves(self) -> list[Tensor]:
        """The tensors, in the order in which torch.export and ONNX see them."""
        return [one for one in _pytree.tree_leaves((self.args, self.kwargs)) if isinstance(one, Tensor)]

    @property
    def batch_size(self) -> int | None:
        """The first dimension of the first tensor that has one."""
        return next((one.shape[0] for one in self.leaves if one.ndim), None)

    def batched(self, value: Any) -> bool:
        """Whether a value's first dimension is the batch."""
        return isinstance(value, Tensor) and value.ndim > 0 and value.shape[0] == self.batch_size

    def resized(self, size: int) -> Inputs:
        """A batch of another size, of the same samples in turn, beginning with the second."""

        def resize(value: Any) -> Any:
            if not self.batched(value):
                return value
            order = torch.arange(1, size + 1, device=value.device) % value.shape[0]
            return value.index_select(0, order)

        args, kwargs = _pytree.tree_map(resize, (self.args, self.kwargs))
        return Inputs(args, kwargs)

    def varied(self) -> Iterator[Inputs]:
        """Batches with other values: between them every tensor of floats has sums of both signs."""
        for change in (lambda one: -one - 1, lambda one: 1 - one):

            def other(value: Any, change: Any = change) -> Any:
                return change(value) if isinstance(value, Tensor) and value.is_floating_point() else value

            args, kwargs = _pytree.tree_map(other, (self.args, self.kwargs))
            yield Inputs(args, kwargs)

    def shapes(self, model: Any, batch: Any) -> dict[str, Any] | tuple[Any, ...]:
        """``dynamic_shapes`` for torch.export, with ``batch`` as the first dimension of everything that is batched."""

        def shape(value: Any) -> Any:
            return {0: batch} if self.batched(value) else None

        args, kwargs = _pytree.tree_map(shape, (self.args, self.kwargs))
        parameters = _parameters(model)
        if any(one.kind is Parameter.VAR_POSITIONAL for one in parameters):
            return (*args, *kwargs.values())
        names = [one.name for one in parameters[: len(args)]]
        return {**dict(zip(names, args, strict=True)), **kwargs}

    def names(self, model: Any) -> list[str]:
        """A name for each tensor: that of ``forward``'s parameter, numbered where one parameter holds several."""
        parameters = [one for one in _parameters(model) if one.kind is not Parameter.VAR_KEYWORD]
        found: list[str] = []
        for position, value in enumerate(self.args):
            last = parameters[min(position, len(parameters) - 1)].name if parameters else "input"
            found += _numbered(last, value, taken=found)
        for name, value in self.kwargs.items():
            found += _numbered(name, value, taken=found)
        return found


def _positional(model: Any, sample: tuple[Any, ...]) -> Inputs:
    last = sample[-1] if sample else None
    if isinstance(last, Mapping) and last.keys() <= signature(model.forward).parameters.keys():
        return Inputs(sample[:-1], dict(last))
    return Inputs(sample)


def _fitting(model: Any, parts: Inputs, whole: Inputs) -> Inputs:
    """Those of two that ``forward`` can be called with; arguments may be missing where further ones may follow."""
    form = signature(model.forward)
    for one, binds in ((parts, form.bind_partial), (whole, form.bind)):
        try:
            binds(*one.args, **one.kwargs)
        except TypeError:
            continue
        return one
    given = sorted(parts.kwargs) or f"{len(parts.args)} arguments"
    raise ConfigurationError.about(
        "sample", given, f"what forward{form} of {type(model).__name__} can be called with"
    )


def _parameters(model: Any) -> list[Parameter]:
    return list(signature(model.forward).parameters.values())


def _numbered(name: str, value: Any, taken: list[str]) -> list[str]:
    count = sum(isinstance(one, Tensor) for one in _pytree.tree_leaves(value))
    if count == 1 and name not in taken:
        return [name]
    first = sum(one.rpartition("_")[0] == name for one in taken)
    return [f"{name}_{first + number}" for number in range(count)]


def _transferred(model: Any, sample: Any) -> Any:
    device = _device(model)
    trainer = getattr(model, "_trainer", None)
    for name in HOOKS:
        owners = [one for one in (getattr(trainer, "datamodule", None), model) if one is not None]
        hooks = [hook for hook in (overridden(one, name, DataHooks) for one in owners) if hook is not None]
        if hooks:
            sample = hooks[0](sample, device, 0) if name == HOOKS[1] else hooks[0](sample, 0)
        elif name == HOOKS[1] and device is not None:
            sample = move_to_device(sample, device)
        if sample is None:
            raise ConfigurationError(f"{name} returned None for the sample of an export. Return the batch.")
    return sample


def _device(model: Any) -> torch.device | None:
    first = next(model.parameters(), None)
    first = next(model.buffers(), None) if first is None else first
    return None if first is None else first.device
