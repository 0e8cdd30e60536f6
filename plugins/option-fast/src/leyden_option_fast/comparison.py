"""Loss and gradients of a step, compared with those of the ordinary step on a copy of the module."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor

from leyden.api.arguments import step_arguments
from leyden.api.rng import rng_state, set_rng_state
from leyden.api.steps import loss_of
from leyden.api.transfer import map_nested

NOISE = 1e-3
"""Of the norm of all gradients: what counts as rounding in one of them."""


class Quiet:
    """Takes the place of a run's logged values in the copy: what it logs is not counted twice."""

    pending: tuple[Any, ...] = ()
    state: Any = None

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class Comparison:
    """One batch: its loss and gradients by the ordinary step, before the real step is run with the same random numbers.

    Where a gradient of the real step differs, the ordinary one takes its place, so the fit goes on as if nothing had
    been tried.

    Args:
        session: the running session.
        batch: the batch.
        batch_idx: its index.

    Raises:
        Exception: the module cannot be copied.
    """

    def __init__(self, session: Any, batch: Any, batch_idx: int) -> None:
        self.session, self.module = session, session.module
        self.worst = 0.0
        self.missing: set[str] = set()
        twin = _twin(self.module)
        before = rng_state()
        self.loss = loss_of(_ordinary_step(session, twin)(_copied(batch), batch_idx))
        set_rng_state(before)
        self.names = [name for name, one in twin.named_parameters() if one.requires_grad]
        self.gradients = self._gradients(twin)
        norms = [float(one.norm()) for one in self.gradients.values()]
        self.norm = math.sqrt(sum(one * one for one in norms))

    def _gradients(self, twin: Any) -> dict[str, Tensor]:
        if self.loss is None:
            return {}
        weights = [one for one in twin.parameters() if one.requires_grad]
        found = torch.autograd.grad(self.loss, weights, allow_unused=True)
        return {name: one for name, one in zip(self.names, found, strict=True) if one is not None}

    def watch(self, window: int) -> Watch:
        """A context in which the real step is run; gradients that differ are replaced.

        Args:
            window: what the real loss is divided by before it is differentiated.
        """
        return Watch(self, window)

    def compare_loss(self, loss: Tensor | None) -> None:
        """Note how much the loss of the real step differs."""
        if loss is None or self.loss is None:
            self.worst = max(self.worst, 0.0 if loss is self.loss else math.inf)
        elif not torch.equal(loss.isnan(), self.loss.isnan()):
            self.worst = math.inf
        else:
            size = float(self.loss.detach().abs())
            difference = float((loss.detach() - self.loss.detach()).abs().nan_to_num())
            self.worst = max(self.worst, difference / max(size, NOISE))

    def compare(self, name: str, gradient: Tensor, window: int) -> Tensor | None:
        """Note how much a gradient differs; what is to be taken instead."""
        wanted = self.gradients[name] / window
        size = float(wanted.norm()) + NOISE * self.norm / window
        difference = float((gradient - wanted).nan_to_num().norm()) / size if size else float(gradient.norm())
        self.worst = max(self.worst, difference)
        self.missing.discard(name)
        return None if difference <= self.tolerance else wanted.to(gradient.dtype)

    @property
    def tolerance(self) -> float:
        """The square root of what the arithmetic of the step resolves: 3e-4 for float32, 0.09 for bfloat16."""
        kind = self.session.strategy.root_device.type
        precision = self.session.strategy.precision
        with precision.forward_context():
            mixed = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        types = {one.dtype for one in self.module.parameters() if one.is_floating_point()} | {mixed}
        return math.sqrt(max(torch.finfo(one).eps for one in types))

    @property
    def equal(self) -> bool:
        """Whether all gradients came, and everything that was compared was equal up to rounding."""
        return not self.missing and self.worst <= self.tolerance


class Watch:
    """Looks at the gradients that arrive at the parameters."""

    def __init__(self, comparison: Comparison, window: int) -> None:
        self.comparison, self.window = comparison, window

    def __enter__(self) -> None:
        self.comparison.missing = set(self.comparison.gradients)
        named = dict(self.comparison.module.named_parameters())
        self.handles = [
            named[name].register_hook(
                lambda gradient, name=name: self.comparison.compare(name, gradient, self.window)
            )
            for name in self.comparison.gradients
        ]

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()


def _twin(module: Any) -> Any:
    """A copy of a module that takes its ordinary steps, knows the Trainer, and logs nothing."""
    twin = copy.deepcopy(module)
    for one in twin.modules():
        if "_results" in vars(one):
            vars(one).update(_results=Quiet(), _trainer=module.trainer)
    return twin.to(memory_format=torch.contiguous_format)


def _ordinary_step(session: Any, twin: Any) -> Any:
    precision = session.strategy.precision

    def step(*args: Any) -> Any:
        with precision.forward_context():
            return precision.convert_output(twin.training_step(*args))

    return step_arguments(twin, "training_step", step)


def _copied(batch: Any) -> Any:
    return map_nested(batch, lambda one: isinstance(one, Tensor), Tensor.clone)
