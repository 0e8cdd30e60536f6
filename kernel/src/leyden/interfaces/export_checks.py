"""How an export is checked: a module left undisturbed, and outputs that are compared."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from leyden.api.rng import isolate_rng

_BY_DTYPE = {torch.float64: 1e-8, torch.float16: 1e-2, torch.bfloat16: 5e-2}


class _Silent:
    """Where ``self.log`` goes while a module is exported."""

    def log(self, *args: Any) -> None:
        """Nowhere: the forward passes of an export are no part of a run."""


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, autocast and logging; afterwards the module is as it was.

    That is: the mode of every submodule, buffers, the random generators, and what ``self.log`` writes to.
    """
    modules = list(model.modules())
    modes = [(one, one.training) for one in modules]
    logs = [(one, one.__dict__["_results"]) for one in modules if "_results" in one.__dict__]
    with ExitStack() as context:
        for one, mode in modes:
            context.callback(one.__dict__.__setitem__, "training", mode)
        for one, log in logs:
            context.callback(one.__dict__.__setitem__, "_results", log)
            one.__dict__["_results"] = _Silent()
        context.enter_context(isolate_rng())
        context.enter_context(_without_deprecations())
        context.enter_context(torch.inference_mode(False))
        context.enter_context(torch.no_grad())
        for kind in {"cpu", *(one.device.type for one in model.parameters())} - {"meta"}:
            context.enter_context(torch.autocast(kind, enabled=False))
        context.enter_context(_same_buffers(modules))
        model.eval()
        yield


@contextmanager
def hushed(*names: str) -> Iterator[None]:
    """Keep back the warnings of loggers, for parts that log what a user can do nothing about.

    Args:
        names: the loggers'.
    """
    logs = [logging.getLogger(one) for one in names]
    levels = [one.level for one in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


@contextmanager
def _without_deprecations() -> Iterator[None]:
    """What torch says about the age of its own parts is no concern of somebody who exports."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield


@contextmanager
def _same_buffers(modules: list[nn.Module]) -> Iterator[None]:
    """A forward pass may write to buffers (counters, caches): give them back."""
    kept = [
        (module, name, buffer, buffer.detach().clone())
        for module in modules
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        for module, name, buffer, copy in kept:
            module._buffers[name] = buffer
            if not torch.equal(buffer, copy):
                buffer.copy_(copy)


@dataclass(frozen=True)
class Difference:
    """How far outputs are from those that are wanted.

    Attributes:
        absolute: the greatest absolute difference; infinite where shape, structure or NaN differ.
        relative: the greatest difference relative to the wanted value.
        excess: the greatest ``|found - wanted| / (1 + |wanted|)``, which is held to the tolerance.
    """

    absolute: float = 0.0
    relative: float = 0.0
    excess: float = 0.0

    def __or__(self, other: Difference) -> Difference:
        return Difference(
            max(self.absolute, other.absolute),
            max(self.relative, other.relative),
            max(self.excess, other.excess),
        )


def compare(wanted: Any, found: Any) -> Difference:
    """Compare two nested outputs, leaf by leaf; what is neither a tensor nor a number does not count."""
    pairs = (numbers(wanted), numbers(found))
    if len(pairs[0]) != len(pairs[1]):
        return Difference(inf, inf, inf)
    result = Difference()
    for one, other in zip(*pairs, strict=True):
        result |= _distance(one, other)
    return result


def numbers(value: Any) -> list[Tensor]:
    """The tensors and numbers of a nested output, on the CPU."""
    leaves = [
        one for one in _pytree.tree_leaves(value) if hasattr(one, "shape") or isinstance(one, int | float)
    ]
    return [torch.as_tensor(one).detach().cpu() for one in leaves]


def _distance(wanted: Tensor, found: Tensor) -> Difference:
    if wanted.shape != found.shape:
        return Difference(inf, inf, inf)
    if not wanted.numel():
        return Difference()
    if wanted.is_complex() or found.is_complex():
        wanted, found = (torch.view_as_real(one.to(torch.complex128)) for one in (wanted, found))
    wanted, found = wanted.double(), found.double()
    same = (wanted == found) | (wanted.isnan() & found.isnan())
    gap = torch.where(same, 0.0, (wanted - found).abs()).nan_to_num(nan=inf, posinf=inf)
    size = wanted.abs().nan_to_num(nan=0.0)
    relative = torch.where(gap == 0, 0.0, gap / size)
    excess = torch.where(gap == 0, 0.0, gap / (1 + size)).nan_to_num(nan=inf, posinf=inf)
    return Difference(float(gap.max()), float(relative.max()), float(excess.max()))


def default_tolerance(outputs: Any) -> float:
    """What the number format of outputs allows: 1e-4 for float32."""
    return max((_BY_DTYPE.get(one.dtype, 1e-4) for one in numbers(outputs)), default=1e-4)
