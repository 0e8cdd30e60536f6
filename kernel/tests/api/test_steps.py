"""How a batch becomes updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet, same
from torch.optim import LBFGS, SGD, Adam, AdamW

from leyden.errors import ConfigurationError, UserCodeError

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda m: SGD(m.parameters(), lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda m: Adam(m.parameters(), lr=0.05, amsgrad=True),
    "AdamW": lambda m: AdamW(m.parameters(), lr=0.05),
    "Adam, foreach": lambda m: Adam(m.parameters(), lr=0.05, foreach=True),
    "SGD, fused": lambda m: SGD(m.parameters(), lr=0.05, fused=True),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
BATCHES = 7


def through(self: Any, epoch: int, batch_idx: int, optimizer: Any, closure: Any) -> None:
    """An ``optimizer_step`` that does what the default does."""
    optimizer.step(closure=closure)


def fitted(make: Callable[[Any], Any], options: dict[str, Any] | None = None, **methods: Any) -> Linear:
    """A module trained for two epochs."""
    module = Linear(make, **methods)
    quiet(**{"max_epochs": 2, **(options or {})}).fit(module, numbers(2 * BATCHES))
    return module


def by_hand(make: Callable[[Any], Any], window: int = 1, clip: float | None = None) -> Linear:
    """The same in a loop of one's own."""
    module = Linear(make)
    optimizer = module.configure_optimizers()
    for _ in range(2):
        for index, batch in enumerate(numbers(2 * BATCHES)):
            loss = module.training_step(batch, index) / window
            if index % window == 0:
                optimizer.zero_grad()
            loss.backward()
            if (index + 1) % window == 0 or index == BATCHES - 1:
                if clip is not None:
                    torch.nn.utils.clip_grad_norm_(module.parameters(), clip)
                optimizer.step()
    return module


@each_optimizer
def test_direct_step_closure_and_a_loop_by_hand_agree_bit_by_bit(make: Callable[[Any], Any]) -> None:
    direct = fitted(make).state_dict()
    assert same(direct, fitted(make, optimizer_step=through).state_dict())
    assert same(direct, by_hand(make).state_dict())


@each_optimizer
@pytest.mark.parametrize("window", [2, 3, 10])
def test_accumulation_agrees_with_a_loop_by_hand(make: Callable[[Any], Any], window: int) -> None:
    options = {"accumulate_grad_batches": window}
    accumulated = fitted(make, options).state_dict()
    assert same(accumulated, fitted(make, options, optimizer_step=through).state_dict())
    assert same(accumulated, by_hand(make, window).state_dict())


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_clipping_is_the_same_on_both_paths(algorithm: str) -> None:
    def clip(
        self: Any, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        self.clip_gradients(optimizer, 0.01, algorithm)

    make = OPTIMIZERS["SGD"]
    direct = fitted(make, configure_gradient_clipping=clip).state_dict()
    assert same(direct, fitted(make, configure_gradient_clipping=clip, optimizer_step=through).state_dict())
    if algorithm == "norm":
        assert same(direct, by_hand(make, clip=0.01).state_dict())
    assert not same(direct, by_hand(make).state_dict())


def test_lbfgs_evaluates_the_closure_as_often_as_it_likes_and_counts_one_step_a_batch() -> None:
    make = lambda m: LBFGS(m.parameters(), lr=0.1, max_iter=4)  # noqa: E731
    module = fitted(make)
    assert module.global_step == 2 * BATCHES
    assert len(module.seen) > 2 * BATCHES

    other = Linear(make)
    optimizer = other.configure_optimizers()
    for batch in [*numbers(2 * BATCHES)] * 2:

        def closure(batch: Any = batch) -> Any:
            loss = other.training_step(batch, 0)
            optimizer.zero_grad()
            loss.backward()
            return loss

        optimizer.step(closure)
    assert same(module.state_dict(), other.state_dict())


def test_an_optimizer_with_step_hooks_of_its_own_is_handed_the_closure() -> None:
    seen: list[bool] = []

    def make(module: Any) -> Any:
        optimizer = OPTIMIZERS["SGD"](module)
        optimizer.register_step_pre_hook(
            lambda one, args, kwargs: seen.append(len(args) > 1 or "closure" in kwargs)
        )
        return optimizer

    assert same(fitted(make).state_dict(), fitted(OPTIMIZERS["SGD"]).state_dict())
    assert seen == [True] * 2 * BATCHES


class Foreign(torch.optim.Optimizer):
    """An optimizer of somebody else's, which evaluates its closure."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": 0.1})

    def step(self, closure: Any = None) -> Any:
        assert closure is not None
        loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.add_(parameter.grad, alpha=-group["lr"])
        return loss


def test_a_foreign_optimizer_is_handed_the_closure() -> None:
    plain = fitted(lambda m: SGD(m.parameters(), lr=0.1, foreach=False))
    assert same(fitted(lambda m: Foreign(m.parameters())).state_dict(), plain.state_dict())


# -- what training_step returns -------------------------------------------------------------------------------------


def outputs_of(returns: Callable[[Any, Any], Any], window: int = 1) -> list[Any]:
    """What ``on_train_batch_end`` gets for each batch."""
    found: list[Any] = []
    module = Linear(
        training_step=lambda self, batch, batch_idx: returns(self, batch),
        on_train_batch_end=lambda self, outputs, batch, batch_idx: found.append(outputs),
    )
    quiet(accumulate_grad_batches=window).fit(module, numbers(4))
    return found


def test_outputs_are_the_detached_loss_divided_by_the_window_and_what_else_was_returned() -> None:
    loss = lambda self, batch: self(batch).sum() * 0 + 6.0  # noqa: E731
    assert outputs_of(loss)[0] == {"loss": torch.tensor(6.0)}
    (first, _) = outputs_of(
        lambda self, batch: {"loss": loss(self, batch), "extra": "x", "y": self(batch).sum()}, 2
    )
    assert (first["loss"].item(), first["extra"]) == (3.0, "x")
    assert not first["loss"].requires_grad
    assert not first["y"].requires_grad
    assert outputs_of(lambda self, batch: None) == [{}, {}]


@pytest.mark.parametrize(
    "wrong", [3.0, "loss", [torch.ones(())], {"lost": torch.ones(())}, {"loss": 3.0}, {"loss": None}], ids=str
)
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(UserCodeError, match="training_step returned"):
        outputs_of(lambda self, batch: wrong)


def test_a_skipped_batch_changes_nothing_and_does_not_reuse_old_gradients() -> None:
    make = OPTIMIZERS["SGD, fused"]
    before = Linear().state_dict()
    assert same(fitted(make, training_step=lambda self, batch, batch_idx: None).state_dict(), before)
    first = {"limit_train_batches": 1, "max_epochs": 1}
    once = fitted(make, first, training_step=lambda self, batch, batch_idx: self(batch).mean())
    skip = lambda self, batch, batch_idx: None if batch_idx else self(batch).mean()  # noqa: E731
    skipped = fitted(make, {"max_epochs": 1}, training_step=skip)
    assert same(skipped.state_dict(), once.state_dict())
    assert skipped.global_step == BATCHES


def test_an_optimizer_step_that_drops_the_closure_is_refused() -> None:
    with pytest.raises(UserCodeError, match="did not call its optimizer_closure"):
        fitted(OPTIMIZERS["SGD"], optimizer_step=lambda self, *args: None)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (lambda self, batch, batch_idx, optimizer_idx: None, "optimizer_idx is Lightning 1.x"),
        (lambda self, batch, batch_idx, more: None, "takes .*more"),
    ],
)
def test_a_step_that_takes_too_much_is_refused(method: Any, text: str) -> None:
    with pytest.raises(UserCodeError, match=text):
        fitted(OPTIMIZERS["SGD"], training_step=method)


def test_a_step_may_do_without_the_index() -> None:
    quiet().fit(module := Linear(training_step=lambda self, batch: self(batch).mean()), numbers(4))
    assert module.global_step == 2


# -- manual optimization --------------------------------------------------------------------------------------------


def manual(step: Callable[[Any, Any], Any], make: Callable[[Any], Any], **methods: Any) -> Linear:
    """A module that optimizes by hand."""
    module = Linear(make, training_step=lambda self, batch, batch_idx: step(self, batch), **methods)
    module.automatic_optimization = False
    quiet(max_epochs=2).fit(module, numbers(2 * BATCHES))
    return module


def alone(self: Any, batch: Any) -> Any:
    """What automatic optimization does, by hand."""
    optimizer = self.optimizers()
    loss = self(batch).square().mean()
    optimizer.zero_grad()
    self.manual_backward(loss)
    optimizer.step()


def in_closure(self: Any, batch: Any) -> Any:
    """The same in a closure."""

    def closure() -> Any:
        loss = self(batch).square().mean()
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        return loss

    self.optimizers().step(closure=closure)


@each_optimizer
@pytest.mark.parametrize("step", [alone, in_closure])
def test_manual_and_automatic_agree_bit_by_bit(
    step: Callable[[Any, Any], Any], make: Callable[[Any], Any]
) -> None:
    assert same(manual(step, make).state_dict(), fitted(make).state_dict())


def test_every_step_of_every_optimizer_counts_and_fires_its_hook() -> None:
    stepped: list[str] = []

    def step(self: Any, batch: Any) -> None:
        one, two = self.optimizers()
        self.manual_backward(self(batch).mean())
        one.step()
        two.step()

    module = manual(
        step,
        lambda m: [SGD(m.layer.parameters(), lr=0.1), Adam(m.layer.parameters())],
        on_before_optimizer_step=lambda self, optimizer: stepped.append(type(optimizer).__name__),
    )
    assert module.global_step == 4 * BATCHES
    assert stepped == ["SGD", "Adam"] * 2 * BATCHES


def test_toggling_leaves_one_optimizers_parameters_and_gives_the_others_back() -> None:
    seen: list[list[bool]] = []

    def step(self: Any, batch: Any) -> None:
        for optimizer in self.optimizers():
            with self.toggled_optimizer(optimizer):
                seen.append([one.requires_grad for one in self.parameters()])
        seen.append([one.requires_grad for one in self.parameters()])

    manual(step, lambda m: [SGD([m.layer.weight], lr=0.1), SGD([m.layer.bias], lr=0.1)])
    assert seen[:3] == [[True, False], [False, True], [True, True]]


def test_manual_backward_belongs_to_manual_optimization() -> None:
    with pytest.raises(ConfigurationError, match="automatic_optimization=True"):
        fitted(
            OPTIMIZERS["SGD"], training_step=lambda self, batch, i: self.manual_backward(self(batch).mean())
        )


def test_accumulation_by_the_trainer_is_refused() -> None:
    module = Linear()
    module.automatic_optimization = False
    with pytest.raises(ConfigurationError, match="accumulate_grad_batches=2"):
        quiet(accumulate_grad_batches=2).fit(module, numbers())
