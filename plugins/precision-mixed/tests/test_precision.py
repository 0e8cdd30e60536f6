from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError
from leyden_precision_mixed import MixedPrecision

CPU = torch.device("cpu")


def scaled(scale: float = 8.0, **options: Any) -> MixedPrecision:
    return MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=scale, **options))


def test_float16_on_a_cpu_becomes_bfloat16_with_one_warning() -> None:
    with pytest.warns(
        LeydenWarning, match=r"^\[fp16-on-cpu\] precision='16-mixed' is 'bf16-mixed'"
    ) as caught:
        made = MixedPrecision.from_name("16-mixed", CPU)
    assert len(caught) == 1
    assert (made.precision, made.scaler) == ("bf16-mixed", None)


@pytest.mark.parametrize("name", ["bf16-mixed", "bf16"])
@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_bfloat16_has_no_scaler(name: str, device: str) -> None:
    made = MixedPrecision.from_name(name, torch.device(device))
    assert (made.precision, made.device, made.scaler) == ("bf16-mixed", device.partition(":")[0], None)


def test_an_instance_with_float16_is_taken_on_a_cpu() -> None:
    made = MixedPrecision("16-mixed", "cpu")
    assert made.precision == "16-mixed"
    assert isinstance(made.scaler, torch.amp.GradScaler)
    assert made.scaler.is_enabled()


@pytest.mark.parametrize("precision", ["16", "bf16", "32-true", 16, None])
def test_other_precisions_are_refused(precision: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"precision=.*'16-mixed' or 'bf16-mixed'"):
        MixedPrecision(precision, "cpu")


def test_bfloat16_with_a_scaler_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="scaler="):
        MixedPrecision("bf16-mixed", "cpu", torch.amp.GradScaler("cpu"))


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16-mixed", torch.bfloat16), ("16-mixed", torch.float16)]
)
def test_a_step_computes_in_the_format_and_parameters_stay(precision: str, dtype: torch.dtype) -> None:
    module = nn.Linear(3, 2)
    with MixedPrecision(precision, "cpu").forward_context():
        assert module(torch.ones(1, 3)).dtype is dtype
        assert torch.get_autocast_dtype("cpu") is dtype
    assert module.weight.dtype is torch.float32
    assert module(torch.ones(1, 3)).dtype is torch.float32


def test_gradients_are_unscaled_then_clipped_then_applied() -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimizer, precision = torch.optim.SGD([weight], lr=1.0), scaled(8.0)
    precision.scale((weight * torch.tensor([3.0, 4.0])).sum()).backward()
    assert torch.equal(_gradient(weight), torch.tensor([24.0, 32.0]))
    precision.unscale(optimizer)
    assert torch.equal(_gradient(weight), torch.tensor([3.0, 4.0]))
    norm = precision.clip_grad_norm(optimizer, 1.0)
    assert float(norm) == 5.0
    torch.testing.assert_close(_gradient(weight), torch.tensor([0.6, 0.8]))
    precision.step(optimizer)
    torch.testing.assert_close(weight.detach(), torch.tensor([-0.6, -0.8]))


def test_elements_are_clipped_after_unscaling() -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimizer, precision = torch.optim.SGD([weight], lr=1.0), scaled(8.0)
    precision.scale((weight * torch.tensor([0.25, 4.0])).sum()).backward()
    precision.unscale(optimizer)
    precision.clip_grad_value(optimizer, 1.0)
    assert torch.equal(_gradient(weight), torch.tensor([0.25, 1.0]))


@pytest.mark.parametrize("clip", ["clip_grad_norm", "clip_grad_value"])
def test_clipping_first_unscales_first_and_once(clip: str) -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer, precision = torch.optim.SGD([weight], lr=1.0), scaled(8.0)
    for step in (1, 2):
        optimizer.zero_grad()
        precision.scale((weight * 3.0).sum()).backward()
        getattr(precision, clip)(optimizer, 2.0)
        getattr(precision, clip)(optimizer, 2.0)
        precision.unscale(optimizer)
        precision.step(optimizer)
        assert float(weight.detach()) == pytest.approx(-2.0 * step, rel=1e-5)


def test_an_overflow_leaves_the_parameters_and_halves_the_scale() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer, precision = torch.optim.Adam([weight]), scaled(8.0)
    assert precision.scaler is not None
    precision.scale((weight * torch.tensor([1.0, float("inf")])).sum()).backward()
    precision.unscale(optimizer)
    precision.step(optimizer)
    assert torch.equal(weight.detach(), torch.ones(2))
    assert len(optimizer.state) == 0
    assert precision.scaler.get_scale() == 4.0
    optimizer.zero_grad()
    precision.scale(weight.sum()).backward()
    precision.unscale(optimizer)
    precision.step(optimizer)
    assert bool((weight < 1).all())
    assert precision.scaler.get_scale() == 4.0


def test_the_scale_grows_after_enough_good_steps() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer, precision = torch.optim.SGD([weight], lr=0.1), scaled(8.0, growth_interval=2)
    assert precision.scaler is not None
    for scale in (8.0, 16.0):
        optimizer.zero_grad()
        precision.scale(weight.sum()).backward()
        precision.unscale(optimizer)
        precision.step(optimizer)
        assert precision.scaler.get_scale() == scale


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def _batches() -> list[Tensor]:
    return list(torch.randn(12, 4, generator=torch.Generator().manual_seed(1)).split(2))


@pytest.mark.parametrize("clip", [None, 0.05])
def test_steps_in_float16_equal_the_loop_written_by_hand(clip: float | None) -> None:
    ours, theirs = _network(), _network()
    precision = scaled(2.0**10, growth_interval=3)
    optimizer = torch.optim.AdamW(ours.parameters(), 0.1)
    for batch in _batches():
        optimizer.zero_grad()
        with precision.forward_context():
            loss = ours(batch).pow(2).mean()
        precision.scale(loss).backward()
        precision.unscale(optimizer)
        if clip:
            precision.clip_grad_norm(optimizer, clip)
        precision.step(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)
    optimizer = torch.optim.AdamW(theirs.parameters(), 0.1)
    for batch in _batches():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = theirs(batch).pow(2).mean()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        if clip:
            nn.utils.clip_grad_norm_(theirs.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert precision.state_dict() == scaler.state_dict()


def test_steps_in_bfloat16_equal_the_loop_written_by_hand() -> None:
    ours, theirs, precision = _network(), _network(), MixedPrecision("bf16-mixed", "cpu")
    optimizer, other = torch.optim.SGD(ours.parameters(), 0.1), torch.optim.SGD(theirs.parameters(), 0.1)
    for batch in _batches():
        optimizer.zero_grad()
        with precision.forward_context():
            loss = ours(batch).pow(2).mean()
        assert precision.scale(loss) is loss
        loss.backward()
        precision.unscale(optimizer)
        precision.step(optimizer)
        other.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = theirs(batch).pow(2).mean()
        loss.backward()
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_without_gradients_there_is_nothing_to_skip_or_scale() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer, precision = torch.optim.SGD([weight], lr=1.0), scaled(8.0)
    precision.unscale(optimizer)
    precision.step(optimizer)
    assert float(weight.detach()) == 1.0
    assert precision.scaler is not None and precision.scaler.get_scale() == 8.0


def test_gradients_that_a_hook_removed_do_not_stop_the_next_step() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer, precision = torch.optim.SGD([weight], lr=1.0), scaled(8.0)
    for expected in (0.0, -3.0):
        precision.scale((weight * 3.0).sum()).backward()
        precision.unscale(optimizer)
        if expected == 0.0:
            optimizer.zero_grad()
        precision.step(optimizer)
        assert float(weight.detach()) == expected


def test_a_closure_is_called_once_and_its_loss_returned() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer, precision, calls = torch.optim.SGD([weight], lr=1.0), scaled(8.0), []

    def closure() -> Tensor:
        calls.append(True)
        loss = (weight * 3.0).sum()
        precision.scale(loss).backward()
        precision.unscale(optimizer)
        return loss

    loss = precision.step_with_closure(optimizer, closure)
    assert (len(calls), float(loss.detach()), float(weight.detach())) == (1, 0.0, -3.0)


class Searching(torch.optim.SGD):
    """A foreign optimizer whose step requires its closure."""

    def step(self, closure: Any) -> Any:  # type: ignore[override]
        return super().step(closure)


@pytest.mark.parametrize("kind", [torch.optim.LBFGS, Searching])
def test_optimizers_that_compute_gradients_themselves_are_refused(kind: Any) -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer, precision = kind([weight], lr=0.1), scaled()
    for method, arguments in ((precision.step, []), (precision.step_with_closure, [list])):
        with pytest.raises(ConfigurationError, match=rf"{kind.__name__} .*bf16-mixed"):
            method(optimizer, *arguments)


def test_bfloat16_lets_an_optimizer_call_its_closure() -> None:
    weight, precision = nn.Parameter(torch.ones(1)), MixedPrecision("bf16-mixed", "cpu")
    optimizer, calls = torch.optim.LBFGS([weight], lr=0.1, max_iter=3), []

    def closure() -> Tensor:
        calls.append(True)
        optimizer.zero_grad()
        loss = weight.pow(2).sum()
        loss.backward()
        return loss

    precision.step_with_closure(optimizer, closure)
    assert len(calls) > 1
    assert float(weight.detach()) < 1.0


@pytest.mark.parametrize("clip", ["clip_grad_norm", "clip_grad_value"])
def test_a_fused_optimizer_is_not_clipped(clip: str) -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer, precision = torch.optim.Adam([weight], fused=True), scaled()
    precision.scale(weight.sum()).backward()
    with pytest.raises(ConfigurationError, match=r"Adam cannot be clipped .*fused=False") as caught:
        getattr(precision, clip)(optimizer, 1.0)
    assert isinstance(caught.value, RuntimeError)


def test_a_fused_optimizer_unscales_by_itself() -> None:
    results = []
    for fused in (False, True):
        weight = nn.Parameter(torch.ones(3))
        optimizer, precision = torch.optim.SGD([weight], lr=0.1, fused=fused), scaled(1024.0)
        for _ in range(3):
            optimizer.zero_grad()
            precision.scale(weight.pow(2).sum()).backward()
            precision.unscale(optimizer)
            precision.step(optimizer)
        results.append(weight.detach())
    torch.testing.assert_close(results[0], results[1])


def test_unscaling_twice_is_an_error_and_not_a_wrong_gradient() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer, precision = torch.optim.SGD([weight], lr=0.1), scaled()
    precision.scale(weight.sum()).backward()
    precision.unscale(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        precision.unscale(optimizer)


def test_the_state_is_the_scalers() -> None:
    first, second = scaled(8.0), scaled(2.0)
    assert set(first.state_dict()) == {
        "scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker"
    }  # fmt: skip
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    assert MixedPrecision.__qualname__ == "MixedPrecision"


def test_states_of_runs_without_a_scaler_are_empty_and_taken() -> None:
    plain, other = MixedPrecision("bf16-mixed", "cpu"), scaled(8.0)
    assert plain.state_dict() == {}
    other.load_state_dict(plain.state_dict())
    assert other.scaler is not None and other.scaler.get_scale() == 8.0
    plain.load_state_dict(other.state_dict())
    assert plain.state_dict() == {}


def test_an_interrupted_step_does_not_reach_into_the_next_run() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer, precision = torch.optim.SGD([weight], lr=1.0), scaled(8.0)
    precision.scale((weight * 3.0).sum()).backward()
    precision.clip_grad_norm(optimizer, 10.0)
    precision.teardown()
    assert (precision._unscaled, precision._unscaled_for_clipping) == (set(), set())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["16", "16-mixed"])
def test_float16_on_a_gpu_scales_and_skips(name: str) -> None:
    precision = MixedPrecision.from_name(name, torch.device("cuda", 0))
    module = nn.Linear(4, 1, device="cuda")
    before = module.weight.detach().clone()
    optimizer = torch.optim.AdamW(module.parameters())
    with precision.forward_context():
        output = module(torch.ones(2, 4, device="cuda"))
    assert output.dtype is torch.float16
    assert precision.scaler is not None
    precision.scale(output.float().sum() * float("inf")).backward()
    precision.unscale(optimizer)
    precision.step(optimizer)
    assert torch.equal(module.weight, before)
    assert precision.scaler.get_scale() == 2.0**15


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
