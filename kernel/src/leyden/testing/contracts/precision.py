"""The contract of precisions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from leyden.testing.contracts.run import RunContract, assert_same_state, safely_reloaded

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from leyden.interfaces.precision import Precision

TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 2e-2, "float16": 5e-3}
"""Largest difference of a gradient from the exact one, relative to the largest element."""

STANDARD = {
    "64-true": ("float64", "float64", False),
    "32-true": ("float32", "float32", False),
    "16-true": ("float16", "float16", False),
    "bf16-true": ("bfloat16", "bfloat16", False),
    "16-mixed": ("float32", "float16", True),
    "bf16-mixed": ("float32", "bfloat16", False),
}
"""For the names that all know: the parameters' dtype, that of computation, and whether the loss is scaled."""

LEARNING_RATE = 0.1


class PrecisionContract(RunContract):
    """A ``Precision`` of ``leyden.precisions``.

    Attributes:
        expected: the dtype of converted parameters, the dtype of what a linear layer puts out, and whether the loss is
            scaled; taken from :data:`STANDARD` when ``None``.
        tolerance: largest relative difference of a gradient from the exact one, where the dtype does not say it, e.g.
            because operands are rounded further; that of :data:`TOLERANCES` when ``None``.
        trains: whether the weights of a linear layer are trained; ``False`` for a precision that freezes them.
        device: where it is tested.
    """

    group: ClassVar[str] = "leyden.precisions"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True
    expected: ClassVar[tuple[str, str, bool] | None] = None
    tolerance: ClassVar[float | None] = None
    trains: ClassVar[bool] = True
    device: ClassVar[str] = "cpu"

    def make(self) -> Any:
        """The class's ``from_name`` with the entry point's name and :attr:`device`."""
        import torch

        return self.entry().load().from_name(self.entry().name, torch.device(self.device))

    def wanted(self) -> tuple[str, str, bool]:
        """What is expected of it."""
        name = self.make().precision
        found = self.expected or STANDARD.get(name)
        assert found is not None, (
            f"Set expected = (parameters, computation, scaled) for the precision {name!r}."
        )
        return found

    @property
    def scales(self) -> bool:
        """Whether the loss is scaled."""
        return self.wanted()[2]

    def keywords(self, component: Any) -> dict[str, Any]:
        """``plugins=[component]``."""
        return {"plugins": [component]}

    def test_is_made_from_its_name(self) -> None:
        """``from_name`` makes the class for the entry point's name; ``precision`` is text."""
        import torch

        entry = self.entry()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = entry.load().from_name(entry.name, torch.device(self.device))
        assert isinstance(made, entry.load())
        assert isinstance(made.precision, str) and made.precision

    def test_converts_parameters_and_inputs(self) -> None:
        """Parameters get their dtype; of a batch floating-point tensors alone are converted, in every container."""
        import torch

        made = self.make()
        module = made.convert_module(_linear())
        assert str(module.weight.dtype) == f"torch.{self.wanted()[0]}"
        batch = made.convert_input(
            {"x": [torch.ones(2, 4)], "index": torch.arange(3), "name": "text", "n": 1}
        )
        assert batch["x"][0].is_floating_point()
        assert (batch["index"].dtype, batch["name"], batch["n"]) == (torch.int64, "text", 1)

    def test_computes_in_its_dtype(self) -> None:
        """A layer's output has the dtype that the precision stands for; the context ends with its ``with``."""
        import torch

        made = self.make()
        y = _output(made, made.convert_module(_linear().to(self.device)), _input(self.device))
        assert str(y.dtype) == f"torch.{self.wanted()[1]}"
        assert not torch.is_autocast_enabled(torch.device(self.device).type)

    def test_gradients_are_the_hand_written_ones(self) -> None:
        """After ``unscale`` gradients equal those of double precision, within what the dtype can hold."""
        if not self.trains:
            return
        made = self.make()
        module, optimizer = _gradients(made, self.device)
        exact = _exact_gradient()
        made.unscale(optimizer)
        error = (module.weight.grad.double().cpu() - exact).abs().max() / exact.abs().max()
        assert error <= (self.tolerance or TOLERANCES[self.wanted()[1]]), f"relative error {error:.2e}"

    def test_a_step_is_the_hand_written_one(self) -> None:
        """``step`` changes the parameters by the gradient."""
        if not self.trains:
            return
        made = self.make()
        module, optimizer = _gradients(made, self.device)
        before = module.weight.detach().clone()
        made.unscale(optimizer)
        gradient = module.weight.grad.clone()
        made.step(optimizer)
        _close(module.weight.detach(), before - LEARNING_RATE * gradient, TOLERANCES[self.wanted()[0]])

    def test_a_closure_is_called(self) -> None:
        """``step_with_closure`` lets the optimizer call the closure and then applies the gradients it computed."""
        if not self.trains:
            return
        made = self.make()
        module = made.convert_module(_linear().to(self.device))
        optimizer = _sgd(module)
        before, count = module.weight.detach().clone(), 0

        def closure() -> Tensor:
            nonlocal count
            count += 1
            optimizer.zero_grad()
            loss = _loss(made, module, self.device)
            made.scale(loss).backward()
            made.unscale(optimizer)
            return loss

        made.step_with_closure(optimizer, closure)
        assert count == 1
        assert not before.equal(module.weight.detach())

    def test_an_overflow_is_left_out(self) -> None:
        """Where losses are scaled, a step with infinite gradients changes nothing, and the next one works."""
        if not self.trains:
            return
        made = self.make()
        module, optimizer = _gradients(made, self.device)
        if not self.scales:
            return
        before = module.weight.detach().clone()
        module.weight.grad.fill_(float("inf"))
        made.unscale(optimizer)
        made.step(optimizer)
        assert before.equal(module.weight.detach()), "an overflow was applied"
        optimizer.zero_grad()
        made.scale(_loss(made, module, self.device)).backward()
        made.unscale(optimizer)
        made.step(optimizer)
        assert not before.equal(module.weight.detach())

    def test_scales_or_does_not(self) -> None:
        """The scaled loss is a multiple of the loss, and the loss itself where nothing is scaled."""
        import torch

        loss = torch.tensor(2.0, device=self.device)
        scaled = float(self.make().scale(loss))
        assert (scaled > 2.0) if self.scales else (scaled == 2.0)

    def test_clips(self) -> None:
        """Clipping by norm and by value bounds the gradients of the optimizer's parameters."""
        if not self.trains:
            return
        made = self.make()
        tolerance = 1 + 2 * TOLERANCES[self.wanted()[0]]
        for clip in (made.clip_grad_norm, made.clip_grad_value):
            module, optimizer = _gradients(made, self.device)
            made.unscale(optimizer)
            clip(optimizer, 1e-3)
            size = (
                module.weight.grad.norm() if clip == made.clip_grad_norm else module.weight.grad.abs().max()
            )
            assert 0 < float(size) <= 1e-3 * tolerance

    def test_contexts_are_left(self) -> None:
        """Contexts end with an exception too, and ``teardown`` undoes what remains."""
        import torch

        before = torch.get_default_dtype()
        made = self.make()
        for context in (made.init_context, made.forward_context):
            with pytest.raises(KeyError), context():
                raise KeyError
        made.teardown()
        assert torch.get_default_dtype() is before
        assert not torch.is_autocast_enabled(torch.device(self.device).type)

    def test_its_state_is_kept(self) -> None:
        """The state after steps is data that can be loaded safely, and another instance takes all of it."""
        made, other = self.make(), self.make()
        for _ in range(2 * self.trains):
            _, optimizer = _gradients(made, self.device)
            made.unscale(optimizer)
            made.step(optimizer)
        state = safely_reloaded(made.state_dict())
        other.load_state_dict(state)
        assert_same_state(other.state_dict(), state)
        if self.scales:
            assert state, "a scaled precision keeps its scale in its state"


def _linear() -> nn.Linear:
    import torch

    layer = torch.nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-1, 1, 8).reshape(2, 4))
    return layer


def _input(device: str = "cpu") -> Tensor:
    import torch

    return torch.linspace(-0.1, 0.2, 12, device=device).reshape(3, 4)


def _sgd(module: nn.Module) -> Optimizer:
    import torch

    return torch.optim.SGD(module.parameters(), lr=LEARNING_RATE)


def _output(precision: Precision, module: nn.Module, x: Tensor) -> Tensor:
    with precision.forward_context():
        y: Tensor = module(precision.convert_input(x))
    return y


def _loss(precision: Precision, module: nn.Module, device: str) -> Tensor:
    return _output(precision, module, _input(device)).square().mean()


def _gradients(precision: Precision, device: str) -> tuple[Any, Optimizer]:
    """A converted layer and its optimizer after the backward of a scaled loss."""
    module = precision.convert_module(_linear().to(device))
    optimizer = _sgd(module)
    precision.scale(_loss(precision, module, device)).backward()
    return module, optimizer


def _exact_gradient() -> Tensor:
    module = _linear().double()
    module(_input().double()).square().mean().backward()
    assert module.weight.grad is not None
    return module.weight.grad


def _close(found: Tensor, wanted: Tensor, tolerance: float) -> None:
    import torch

    torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance)
