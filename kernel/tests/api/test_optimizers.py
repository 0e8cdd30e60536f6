"""Everything ``configure_optimizers`` may return, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet, weights
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from leyden.api.optimizers import (
    LightningOptimizer,
    LRSchedulerConfig,
    NoOptimizer,
    configure,
    refuse_several,
)
from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError, UserCodeError


def sgd(module: Any) -> Optimizer:
    """An optimizer of the module."""
    return SGD(module.parameters(), lr=1.0)


def halving(optimizer: Optimizer, **settings: Any) -> Any:
    """A scheduler that halves, bare or with settings."""
    scheduler = StepLR(optimizer, 1, gamma=0.5)
    return {"scheduler": scheduler, **settings} if settings else scheduler


def configured(returns: Callable[[Any], Any], automatic: bool = True) -> Any:
    """What is made of a return."""
    module = Linear(returns)
    module.automatic_optimization = automatic
    return configure(module)


ONE: dict[str, tuple[Callable[[Any], Any], int]] = {
    "optimizer": (sgd, 0),
    "list": (lambda m: [sgd(m)], 0),
    "tuple": (lambda m: (sgd(m),), 0),
    "two lists": (lambda m: ([o := sgd(m)], [halving(o)]), 1),
    "two lists, a dict": (lambda m: ([o := sgd(m)], [halving(o, interval="step")]), 1),
    "two lists, none": (lambda m: ([sgd(m)], []), 0),
    "dict": (lambda m: {"optimizer": sgd(m)}, 0),
    "dict, scheduler": (lambda m: {"optimizer": (o := sgd(m)), "lr_scheduler": halving(o)}, 1),
    "dict, settings": (lambda m: {"optimizer": (o := sgd(m)), "lr_scheduler": halving(o, frequency=2)}, 1),
    "dict, no scheduler": (lambda m: {"optimizer": sgd(m), "lr_scheduler": None}, 0),
    "list of one dict": (lambda m: [{"optimizer": (o := sgd(m)), "lr_scheduler": halving(o)}], 1),
}


@pytest.mark.parametrize(("returns", "schedulers"), ONE.values(), ids=ONE)
def test_one_optimizer_in_every_form(returns: Callable[[Any], Any], schedulers: int) -> None:
    found = configured(returns)
    assert [type(one) for one in found.optimizers] == [SGD]
    assert [type(one) for one in found.schedulers] == [LRSchedulerConfig] * schedulers


TWO: dict[str, Callable[[Any], Any]] = {
    "list": lambda m: [sgd(m), Adam(m.parameters())],
    "tuple": lambda m: (sgd(m), Adam(m.parameters())),
    "two lists": lambda m: ([sgd(m), Adam(m.parameters())], []),
    "dicts": lambda m: [{"optimizer": sgd(m)}, {"optimizer": Adam(m.parameters())}],
}


@pytest.mark.parametrize("returns", TWO.values(), ids=TWO)
def test_several_optimizers_are_stepped_by_hand(returns: Callable[[Any], Any]) -> None:
    assert [type(one) for one in configured(returns, automatic=False).optimizers] == [SGD, Adam]
    with pytest.raises(UserCodeError, match="2 optimizers, and automatic optimization works with one"):
        refuse_several(configured(returns))


@pytest.mark.parametrize(
    "returns",
    [
        *(lambda m: 3, lambda m: "adam", lambda m: [], lambda m: [3], lambda m: ([], [])),
        *(lambda m: (sgd(m), 3), lambda m: {"lr_scheduler": 3}, lambda m: {"optimizer": "adam"}),
        *(
            lambda m: [sgd(m), {"optimizer": sgd(m)}],
            lambda m: [{"optimizer": sgd(m), "frequency": 1}, {"optimizer": sgd(m)}],
        ),
    ],
    ids=range(10),
)
def test_anything_else_is_refused(returns: Callable[[Any], Any]) -> None:
    with pytest.raises(UserCodeError, match="configure_optimizers"):
        configured(returns)


def test_none_trains_nothing_and_says_so() -> None:
    module = Linear(lambda m: None)
    before = weights(module)
    with pytest.warns(LeydenWarning, match=r"\[no-optimizer\]"):
        quiet().fit(module, numbers())
    assert weights(module) == before
    assert [type(one) for one in module.trainer.optimizers] == [NoOptimizer]


# -- schedulers -----------------------------------------------------------------------------------------------------


def rates(settings: dict[str, Any], epochs: int = 2, batches: int = 4, **options: Any) -> list[float]:
    """The learning rate in each training batch."""
    seen: list[float] = []
    module = Linear(lambda m: {"optimizer": (o := sgd(m)), "lr_scheduler": halving(o, **settings)})
    module.__dict__["on_train_batch_start"] = lambda batch, batch_idx: seen.append(
        module.trainer.optimizers[0].param_groups[0]["lr"]
    )
    quiet(max_epochs=epochs, **options).fit(module, numbers(2 * batches))
    return seen


@pytest.mark.parametrize(
    ("settings", "options", "wanted"),
    [
        ({}, {}, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]),
        ({"frequency": 2}, {}, [1.0] * 8),
        ({"interval": "step"}, {}, [2.0**-i for i in range(8)]),
        ({"interval": "step", "frequency": 2}, {}, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ({"interval": "step"}, {"accumulate_grad_batches": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
    ],
    ids=str,
)
def test_when_a_scheduler_steps(
    settings: dict[str, Any], options: dict[str, Any], wanted: list[float]
) -> None:
    assert rates(settings, **options) == wanted


def watching(strict: bool = True, log: bool = True, **settings: Any) -> list[float]:
    """The rates of a scheduler that watches ``x``, which never gets better."""
    seen: list[float] = []

    def returns(m: Any) -> Any:
        scheduler = ReduceLROnPlateau(o := sgd(m), patience=0, factor=0.5)
        return {
            "optimizer": o,
            "lr_scheduler": {"scheduler": scheduler, "strict": strict, "monitor": "x", **settings},
        }

    module = Linear(returns)

    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        seen.append(self.trainer.optimizers[0].param_groups[0]["lr"])
        if log:
            self.log("x", 1.0)
        return self(batch).mean()

    module.__dict__["training_step"] = step.__get__(module)
    quiet(max_epochs=3).fit(module, numbers(4))
    return seen


def test_a_scheduler_that_watches_a_metric_steps_with_it() -> None:
    assert watching() == [1, 1, 1, 1, 0.5, 0.5]
    assert watching(interval="step") == [1, 1, 0.5, 0.25, 0.125, 0.0625]


def test_a_missing_metric_is_an_error_unless_the_scheduler_is_not_strict() -> None:
    with pytest.raises(ConfigurationError, match="monitors 'x', which was not logged; logged: none"):
        watching(log=False)
    with pytest.warns(LeydenWarning, match="scheduler-monitor"):
        assert watching(strict=False, log=False) == [1] * 6


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"interval": "batch"}, "'step' or 'epoch'"),
        ({"frequency": 0}, "an int of at least 1"),
        ({"frequency": 1.5}, "an int of at least 1"),
        ({"reduce_on_plateau": True}, "name it with 'monitor'"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        configured(lambda m: ([o := sgd(m)], [halving(o, **settings)]))


def test_a_scheduler_is_needed_a_misspelt_key_is_refused_and_an_unknown_one_told() -> None:
    with pytest.raises(ConfigurationError, match="its key 'scheduler' is missing"):
        configured(lambda m: ([sgd(m)], [{"interval": "step"}]))
    with pytest.raises(ConfigurationError, match="no key 'intervall'. Did you mean 'interval'"):
        configured(lambda m: ([o := sgd(m)], [halving(o, intervall="step")]))
    with pytest.warns(LeydenWarning, match="'zzz' mean nothing"):
        configured(lambda m: ([o := sgd(m)], [halving(o, zzz="step")]))


def test_foreign_things_in_the_schedulers_place_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="state_dict and load_state_dict"):
        configured(lambda m: ([sgd(m)], [object()]))
    with pytest.raises(
        ConfigurationError, match="belongs to an optimizer that configure_optimizers did not return"
    ):
        configured(lambda m: ([sgd(m)], [halving(sgd(m))]))
    with pytest.raises(ConfigurationError, match="override lr_scheduler_step"):
        configured(lambda m: ([sgd(m)], [sgd(m)]))


# -- the wrapper ----------------------------------------------------------------------------------------------------


def test_the_wrapper_is_what_it_wraps() -> None:
    inner = Adam([torch.zeros(1, requires_grad=True)], lr=0.3)
    stepped: list[Any] = []
    outer = LightningOptimizer(inner, lambda *args: stepped.append(args), Linear())
    assert isinstance(outer, Adam)
    assert isinstance(outer, LightningOptimizer)
    assert outer.optimizer is inner
    assert outer.param_groups is inner.param_groups
    assert outer.state_dict() == inner.state_dict()
    outer.param_groups[0]["lr"] = 0.2
    assert inner.param_groups[0]["lr"] == 0.2
    outer.defaults = {"new": 1}
    assert inner.defaults == {"new": 1}
    outer.step()
    assert stepped == [(inner, None)]
    with pytest.raises(UserCodeError, match="a closure is callable"):
        outer.step(closure=3)  # type: ignore[arg-type]
