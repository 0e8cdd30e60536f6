"""Manual optimization beside arguments of automatic optimization, and its methods used wrongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from .case import Case, Control, Program
from .namespace import Namespace
from .tiny import fit, module, sgd

_SCHEDULER = ("callbacks.GradientAccumulationScheduler",)


def _step_by_hand(self: Any, batch: Any) -> None:
    optimizer = self.optimizers()
    optimizer.zero_grad()
    self.manual_backward(self.layer(batch[0]).pow(2).mean())
    optimizer.step()


def _manual(
    body: Callable[[Any, Any], None] = _step_by_hand,
    make: Callable[[Namespace], Mapping[str, Any]] = lambda ns: {},
) -> Program:
    """Fit with manual optimization: ``body(self, batch)`` is the step, ``make`` builds Trainer arguments."""

    def program(ns: Namespace, folder: Path) -> None:
        def training_step(self: Any, batch: Any, batch_idx: int) -> None:
            ns.witness.step()
            body(self, batch)

        model = module(ns, training_step=training_step)
        model.automatic_optimization = False
        fit(ns, folder, model, **make(ns))

    return program


def _toggle_foreign(self: Any, batch: Any) -> None:
    self.toggle_optimizer(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1))


def _two_optimizers(ns: Namespace, folder: Path) -> None:
    fit(ns, folder, module(ns, configure_optimizers=lambda self: [sgd(self), sgd(self)]))


def _two_by_hand(ns: Namespace, folder: Path) -> None:
    def training_step(self: Any, batch: Any, batch_idx: int) -> None:
        first, second = self.optimizers()
        self.manual_backward(self.layer(batch[0]).pow(2).mean())
        first.step()
        second.step()

    def configure_optimizers(self: Any) -> list[torch.optim.Optimizer]:
        return [sgd(self), sgd(self)]

    class_attribute = {"automatic_optimization": False}
    changes = {"training_step": training_step, "configure_optimizers": configure_optimizers}
    fit(ns, folder, module(ns, **class_attribute, **changes))


CASES = (
    Case(
        "optimization/manual/gradient_clip_val",
        _manual(make=lambda ns: {"gradient_clip_val": 0.5}),
        ("gradient_clip_val", "optimization"),
    ),
    Case(
        "optimization/manual/accumulate_grad_batches",
        _manual(make=lambda ns: {"accumulate_grad_batches": 2}),
        ("accumulate_grad_batches", "optimization"),
    ),
    Case(
        "optimization/manual/GradientAccumulationScheduler",
        _manual(make=lambda ns: {"callbacks": [ns.callbacks.GradientAccumulationScheduler({0: 2})]}),
        ("GradientAccumulationScheduler", "optimization"),
        needs=_SCHEDULER,
    ),
    Case("optimization/automatic/two optimizers", _two_optimizers, ("optimizers",)),
    Case(
        "optimization/manual/backward of a number",
        _manual(lambda self, batch: self.manual_backward(17)),
        ("backward", "17"),
        "at_step",
    ),
    Case(
        "optimization/manual/toggle a foreign optimizer",
        _manual(_toggle_foreign),
        ("toggle_optimizer",),
        "at_step",
    ),
)
CONTROLS = (
    Control("optimization/manual", _manual()),
    Control("optimization/manual/two optimizers, switched off in the class", _two_by_hand),
)
