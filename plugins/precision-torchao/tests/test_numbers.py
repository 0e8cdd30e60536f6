"""What is computed, beside full precision. On a CPU float8 is emulated: the same roundings, other matrix products."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leyden_precision_torchao import Float8Precision, Int8Precision, QATPrecision
from leyden_precision_torchao.layers import LinearPrecision


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 32))


def computed(module: nn.Module, precision: LinearPrecision | None = None) -> tuple[Tensor, Tensor]:
    """The output for a fixed batch, and all gradients of a loss in one vector."""
    x = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))
    module.zero_grad()
    if precision is None:
        y = module(x)
    else:
        with precision.forward_context():
            y = module(x)
    (y.float() - 1).square().mean().backward()
    gradients = [one.grad.flatten() for one in module.parameters() if one.grad is not None]
    return y.detach().float(), torch.cat(gradients)


def differ(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


MADE: list[tuple[Any, float, float]] = [
    (lambda: Float8Precision("float8", "cpu", emulate=True), 0.08, 0.13),
    (lambda: Float8Precision("float8-rowwise", "cpu", emulate=True), 0.08, 0.13),
    (Int8Precision, 0.02, 0.03),
    (QATPrecision, 0.02, 0.1),
    (lambda: QATPrecision("int4-qat"), 0.15, 0.2),
]
every = pytest.mark.parametrize(("make", "output", "gradient"), MADE)


@every
def test_numbers_are_near_those_of_full_precision_and_not_the_same(
    make: Any, output: float, gradient: float
) -> None:
    precision, module = make(), net()
    exact = computed(net())
    precision.convert_module(module)
    found = computed(module, precision)
    assert 1e-3 < differ(found[0], exact[0]) < output
    assert 1e-3 < differ(found[1], exact[1]) < gradient


@every
def test_parameters_are_the_module_s_own_all_along(make: Any, output: float, gradient: float) -> None:
    precision, module = make(), net()
    before, names = [id(one) for one in module.parameters()], list(module.state_dict())
    layers = list(module)
    precision.convert_module(module)
    assert type(module[0]) is not nn.Linear
    assert [id(one) for one in module.parameters()] == before
    assert list(module.state_dict()) == names
    with torch.no_grad():
        next(module.parameters()).add_(1)
    precision.teardown()
    assert list(module) == layers
    assert [id(one) for one in module.parameters()] == before


@every
def test_training_reduces_the_loss(make: Any, output: float, gradient: float) -> None:
    precision, module = make(), net()
    precision.convert_module(module)
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    x = torch.randn(16, 64, generator=torch.Generator().manual_seed(2))
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        with precision.forward_context():
            loss = (module(x).float() - x[:, :32]).square().mean()
        precision.scale(loss).backward()
        precision.step(optimizer)
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2


def test_float8_rounds_to_what_float8_holds() -> None:
    """One scale a tensor, forward in e4m3: the product of the rounded operands, by hand."""
    precision, layer = Float8Precision("float8", "cpu", emulate=True), nn.Linear(32, 16, bias=False)
    x = torch.randn(16, 32, generator=torch.Generator().manual_seed(3))

    def rounded(one: Tensor) -> Tensor:
        scale = torch.finfo(torch.float8_e4m3fn).max / one.abs().max()
        return (one * scale).to(torch.float8_e4m3fn).float() / scale

    wanted = rounded(x) @ rounded(layer.weight.detach()).T
    torch.testing.assert_close(precision.replacement(layer)(x).detach(), wanted, rtol=1e-5, atol=1e-5)


def test_int8_products_are_those_of_rounded_rows() -> None:
    layer = nn.Linear(32, 16, bias=False)
    x = torch.randn(16, 32, generator=torch.Generator().manual_seed(3))

    def rounded(one: Tensor) -> Tensor:
        scale = one.abs().amax(1, keepdim=True) / 127
        return (one / scale).round() * scale

    made = Int8Precision().convert_module(nn.Sequential(layer))
    wanted = rounded(x) @ rounded(layer.weight.detach()).T
    torch.testing.assert_close(made(x).detach(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["int8-qat", "int4-qat"])
def test_the_quantized_module_is_what_training_saw(name: str) -> None:
    precision, module = QATPrecision(name), net()
    precision.convert_module(module)
    seen, _ = computed(module, precision)
    precision.teardown()
    quantized = precision.quantize(module)
    x = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(quantized(x).detach(), seen, rtol=1e-5, atol=1e-5)
    assert type(module[0].weight) is nn.Parameter, "the module itself was changed"
    assert "Int8Tensor" in type(quantized[0].weight).__name__


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["float8", "float8-rowwise"])
def test_float8_on_a_gpu_is_what_is_emulated(name: str) -> None:
    device = torch.device("cuda", 0)
    precision = Float8Precision.from_name(name, device)
    assert not precision.emulate, "needs compute capability 8.9"
    layer, x = nn.Linear(64, 32, device=device), torch.randn(24, 64, device=device)
    emulated = Float8Precision(name, "cuda", emulate=True).replacement(nn.Linear(64, 32, device=device))
    emulated.load_state_dict(layer.state_dict())
    with precision.forward_context():
        found, wanted = precision.replacement(layer)(x), emulated(x)
    assert differ(found.float(), wanted.float()) < 0.02
