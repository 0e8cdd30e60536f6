"""What ``configure_optimizers`` must not return: no optimizer, a scheduler alone, half an entry for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from .case import Case, Control, Program
from .namespace import Namespace
from .tiny import fit, module, sgd

HOOK = "configure_optimizers"
Configure = Callable[[Any], Any]


def _configured(configure: Configure) -> Program:
    """Fit a module whose ``configure_optimizers`` is ``configure``."""

    def program(ns: Namespace, folder: Path) -> None:
        fit(ns, folder, module(ns, configure_optimizers=configure), max_epochs=2)

    return program


def step_lr(optimizer: torch.optim.Optimizer) -> StepLR:
    """A scheduler that halves the learning rate each time."""
    return StepLR(optimizer, step_size=1, gamma=0.5)


def _with_scheduler(make: Callable[[torch.optim.Optimizer], Any]) -> Configure:
    """Return an optimizer and what ``make`` builds for it under ``lr_scheduler``."""

    def configure(module: Any) -> dict[str, Any]:
        optimizer = sgd(module)
        return {"optimizer": optimizer, "lr_scheduler": make(optimizer)}

    return configure


def _entry(**changes: Any) -> Configure:
    """A good scheduler dictionary with changes."""
    return _with_scheduler(lambda optimizer: {"scheduler": step_lr(optimizer), **changes})


def _plateau(**changes: Any) -> Configure:
    return _with_scheduler(lambda optimizer: {"scheduler": ReduceLROnPlateau(optimizer), **changes})


def _in_lists(make: Callable[[torch.optim.Optimizer], Any]) -> Configure:
    def configure(module: Any) -> Any:
        optimizer = sgd(module)
        return [optimizer], make(optimizer)

    return configure


class _NoScheduler:
    """Steps, but is none of torch's schedulers."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer

    def step(self) -> None:
        """Do what a scheduler would."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""


class _Stateless:
    """A scheduler that cannot be saved."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer

    def step(self) -> None:
        """Do what a scheduler would."""


def _foreign(optimizer: torch.optim.Optimizer) -> StepLR:
    return step_lr(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1))


def _scheduler_alone(module: Any) -> StepLR:
    return step_lr(sgd(module))


def _mixed_list(module: Any) -> list[Any]:
    optimizer = sgd(module)
    return [optimizer, step_lr(optimizer)]


def _three_lists(module: Any) -> Any:
    optimizer = sgd(module)
    return [optimizer], [step_lr(optimizer)], ["loss"]


def _scheduler_under_wrong_key(module: Any) -> dict[str, Any]:
    optimizer = sgd(module)
    return {"optimizer": optimizer, "scheduler": step_lr(optimizer)}


def _yielding(module: Any) -> Iterator[Any]:
    yield sgd(module)


async def _awaited(module: Any) -> Any:
    return sgd(module)


_RETURNS: Mapping[str, tuple[Configure, tuple[str, ...]]] = {
    "text": (lambda module: "adam", ("adam",)),
    "number": (lambda module: 17, ("17",)),
    "class": (lambda module: torch.optim.Adam, ("Adam",)),
    "module": (lambda module: torch.nn.Linear(1, 1), ("Linear",)),
    "generator": (_yielding, ("generator",)),
    "coroutine": (_awaited, ("coroutine",)),
    "scheduler alone": (_scheduler_alone, ("StepLR",)),
    "list of numbers": (lambda module: [17], ("17",)),
    "list of None": (lambda module: [None], ("None",)),
    "optimizer and scheduler in one list": (_mixed_list, ()),
    "three lists": (_three_lists, ()),
    "empty dict": (lambda module: {}, ("optimizer",)),
    "misspelled key": (lambda module: {"optimiser": sgd(module)}, ("optimiser", "optimizer")),
    "plural key": (lambda module: {"optimizers": [sgd(module)]}, ("optimizers",)),
    "number under optimizer": (lambda module: {"optimizer": 17}, ("optimizer", "17")),
    "class under optimizer": (lambda module: {"optimizer": torch.optim.Adam}, ("optimizer", "Adam")),
    "list under optimizer": (lambda module: {"optimizer": [sgd(module)]}, ("'optimizer'",)),
    "scheduler under a wrong key": (_scheduler_under_wrong_key, ("scheduler", "lr_scheduler")),
    "dict without optimizer": (
        lambda module: {"lr_scheduler": _scheduler_alone(module)},
        ("optimizer",),
    ),
}
_DROPPED = "the key is dropped with a warning, and the default is used instead"
_RETURNS_WHY = {"scheduler under a wrong key": _DROPPED, "plural key": _DROPPED}
_SCHEDULERS: Mapping[str, tuple[Configure, tuple[str, ...]]] = {
    "no scheduler key": (_with_scheduler(lambda optimizer: {"interval": "step"}), ("scheduler",)),
    "none": (_entry(scheduler=None), ("scheduler", "None")),
    "number": (_with_scheduler(lambda optimizer: 17), ("17",)),
    "text": (_with_scheduler(lambda optimizer: "cosine"), ("cosine",)),
    "class": (_with_scheduler(lambda optimizer: StepLR), ("StepLR",)),
    "class under scheduler": (_entry(scheduler=StepLR), ("scheduler", "StepLR")),
    "function": (_with_scheduler(lambda optimizer: step_lr), ("step_lr",)),
    "not torch's": (_with_scheduler(_NoScheduler), ("_NoScheduler", "lr_scheduler_step")),
    "without state_dict": (_with_scheduler(_Stateless), ("_Stateless", "state_dict")),
    "of a foreign optimizer": (_with_scheduler(_foreign), ("optimizer",)),
    "number in the list": (_in_lists(lambda optimizer: [17]), ("17",)),
    "class in the list": (_in_lists(lambda optimizer: [StepLR]), ("StepLR",)),
    "interval misspelled": (_entry(interval="steps"), ("interval", "steps", "epoch")),
    "interval batch": (_entry(interval="batch"), ("interval", "batch")),
    "frequency zero": (_entry(frequency=0), ("frequency", "0")),
    "frequency negative": (_entry(frequency=-7), ("frequency", "-7")),
    "frequency fraction": (_entry(frequency=2.75), ("frequency", "2.75")),
    "unknown key": (_entry(intervall="step"), ("intervall", "interval")),
    "wrong key": (_entry(freq=2), ("freq", "frequency")),
    "monitor number": (_plateau(monitor=17), ("monitor", "17")),
    "monitor list": (_plateau(monitor=["loss"]), ("monitor", "loss")),
    "plateau without monitor": (_with_scheduler(ReduceLROnPlateau), ("ReduceLROnPlateau", "monitor")),
    "plateau in a dict without monitor": (_plateau(), ("ReduceLROnPlateau", "monitor")),
    "plateau in a list without monitor": (
        _in_lists(lambda optimizer: [ReduceLROnPlateau(optimizer)]),
        ("ReduceLROnPlateau", "monitor"),
    ),
    "strict text": (_plateau(monitor="loss", strict="no"), ("strict", "no")),
}
_SCHEDULERS_WHY = {
    "unknown key": _DROPPED,
    "wrong key": _DROPPED,
    "frequency negative": "an epoch number modulo a negative number: as if it were positive",
    "frequency fraction": "an epoch number modulo a fraction: hardly ever zero",
    "class": "the class counts as a scheduler, and its step is called without one",
}


def _returned() -> Iterator[Case]:
    for label, (configure, names) in _RETURNS.items():
        why = _RETURNS_WHY.get(label, "")
        yield Case(f"optimizer/{HOOK} returns/{label}", _configured(configure), (HOOK, *names), why=why)


def _scheduled() -> Iterator[Case]:
    for label, (configure, names) in _SCHEDULERS.items():
        why = _SCHEDULERS_WHY.get(label, "")
        names = tuple(dict.fromkeys(("scheduler", *names)))
        yield Case(f"optimizer/scheduler/{label}", _configured(configure), names, why=why)


_PLATEAU_METRIC = _plateau(monitor="lss")


def _plateau_logged(ns: Namespace, folder: Path) -> None:
    def training_step(self: Any, batch: Any, batch_idx: int) -> Any:
        ns.witness.step()
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("loss", loss)
        return loss

    fit(ns, folder, module(ns, configure_optimizers=_PLATEAU_METRIC, training_step=training_step))


CASES = (
    *_returned(),
    *_scheduled(),
    Case("optimizer/scheduler/monitor never logged", _plateau_logged, ("lss", "loss"), "at_step"),
)
CONTROLS = (
    Control("optimizer/one", _configured(sgd)),
    Control("optimizer/list", _configured(lambda module: [sgd(module)])),
    Control("optimizer/dict", _configured(lambda module: {"optimizer": sgd(module)})),
    Control("optimizer/none", _configured(lambda module: None)),
    Control("optimizer/scheduler", _configured(_with_scheduler(step_lr))),
    Control("optimizer/scheduler entry", _configured(_entry(interval="step", frequency=2, name="rate"))),
    Control("optimizer/lists", _configured(_in_lists(lambda optimizer: [step_lr(optimizer)]))),
    Control("optimizer/no schedulers", _configured(_in_lists(lambda optimizer: []))),
)
