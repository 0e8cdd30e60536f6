from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from leyden.errors import ConfigurationError
from leyden.testing import HostCheckpointIO, Runner, TinyModule
from leyden.testing.tiny import batches
from leyden_precision_mixed import MixedPrecision

OWN = ["leyden-precision-mixed"]
SCALE = 2.0**8


class Observed(TinyModule):
    """Keeps the dtypes of its outputs, and the gradients that hooks see."""

    def __init__(self, automatic: bool = True) -> None:
        super().__init__()
        self.automatic_optimization = automatic
        self.dtypes: set[torch.dtype] = set()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.dtypes.add(y.dtype)
        return y

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        if self.automatic_optimization:
            return loss
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return None

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        assert self.layer.weight.grad is not None
        self.seen.append(self.layer.weight.grad.clone())


class Searching(Observed):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(self.parameters(), 0.1)


class Clipped(Observed):
    """Clips by itself, before the hook and the step of manual optimization."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(self.loss(batch))
        self.clip_gradients(optimizer, gradient_clip_val=0.05, gradient_clip_algorithm="norm")
        optimizer.step()


def float16(scale: float = SCALE) -> MixedPrecision:
    return MixedPrecision("16-mixed", "cpu", GradScaler("cpu", init_scale=scale))


def by_hand(dtype: torch.dtype, scaler: GradScaler, clip: float | None = None) -> dict[str, Any]:
    module = TinyModule()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    for batch in batches():
        with torch.autocast("cpu", dtype=dtype):
            loss = module.loss(batch)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        if clip:
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
    return module.state_dict()


def same(found: Any, expected: dict[str, Any]) -> bool:
    return all(torch.equal(found.state_dict()[name], one) for name, one in expected.items())


@pytest.mark.parametrize("automatic", [True, False])
def test_float16_equals_the_loop_written_by_hand(leyden_run: Runner, automatic: bool) -> None:
    module = Observed(automatic)
    leyden_run("fit", module=module, allowed=OWN, plugins=[float16()], limit_val_batches=0).ok()
    assert same(module, by_hand(torch.float16, GradScaler("cpu", init_scale=SCALE)))
    assert module.dtypes == {torch.float16}


def test_hooks_see_unscaled_gradients(leyden_run: Runner) -> None:
    plain, scaled = Observed(), Observed()
    leyden_run("fit", module=plain, allowed=OWN).ok()
    leyden_run("fit", module=scaled, allowed=OWN, plugins=[float16()]).ok()
    for one, other in zip(scaled.seen, plain.seen, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-2)


def test_manual_clipping_bounds_unscaled_gradients(leyden_run: Runner) -> None:
    module = Clipped(automatic=False)
    leyden_run("fit", module=module, allowed=OWN, plugins=[float16()]).ok()
    assert same(module, by_hand(torch.float16, GradScaler("cpu", init_scale=SCALE), clip=0.05))


class Overflows(Observed):
    """The first batch's gradients are infinite."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        loss: Tensor = super().training_step(batch, batch_idx)
        return loss * float("inf") if batch_idx == 0 else loss


def test_gradient_clip_val_bounds_unscaled_gradients(leyden_run: Runner) -> None:
    module = Observed()
    clipping = "leyden-option-gradient-clipping"
    plugins = [float16()]
    leyden_run("fit", module=module, allowed=[*OWN, clipping], plugins=plugins, gradient_clip_val=0.05).ok()
    assert same(module, by_hand(torch.float16, GradScaler("cpu", init_scale=SCALE), clip=0.05))


def test_a_step_that_overflowed_is_left_out_and_the_next_is_with_half_the_scale(leyden_run: Runner) -> None:
    precision, module = float16(), Overflows()
    clipping = "leyden-option-gradient-clipping"
    outcome = leyden_run(
        "fit", module=module, allowed=[*OWN, clipping], plugins=[precision], gradient_clip_val=0.05
    ).ok()
    plain = TinyModule()
    optimizer, scaler = torch.optim.SGD(plain.parameters(), 0.1), GradScaler("cpu", init_scale=SCALE / 2)
    with torch.autocast("cpu", dtype=torch.float16):
        loss = plain.loss(batches()[1])
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(plain.parameters(), 0.05)
    scaler.step(optimizer)
    assert same(module, plain.state_dict())
    assert precision.scaler is not None and precision.scaler.get_scale() == SCALE / 2
    assert outcome.trainer.global_step == 2, "a step that is left out counts, as in PyTorch Lightning"


def test_bfloat16_by_name(leyden_run: Runner) -> None:
    module = Observed()
    leyden_run("fit", module=module, allowed=OWN, precision="bf16-mixed").ok()
    assert same(module, by_hand(torch.bfloat16, GradScaler("cpu", enabled=False)))
    assert module.dtypes == {torch.bfloat16}


@pytest.mark.parametrize("precision", [16, "16", "16-mixed"])
def test_float16_by_name_on_a_cpu_warns_and_runs_in_bfloat16(leyden_run: Runner, precision: Any) -> None:
    module = Observed()
    outcome = leyden_run("fit", module=module, allowed=OWN, precision=precision).ok()
    assert len([text for text in outcome.warnings if text.startswith("[fp16-on-cpu]")]) == 1
    assert module.dtypes == {torch.bfloat16}


def test_the_scale_survives_a_checkpoint(leyden_run: Runner, tmp_path: Path) -> None:
    path, first, second = tmp_path / "scaled.ckpt", float16(2.0**40), float16(1.0)
    outcome = leyden_run("fit", allowed=OWN, plugins=[first, HostCheckpointIO()]).ok()
    saved = first.state_dict()
    assert saved["scale"] < 2.0**40
    outcome.trainer.save_checkpoint(path)
    assert torch.load(path, weights_only=True)["MixedPrecision"] == saved
    leyden_run("fit", allowed=OWN, plugins=[second, HostCheckpointIO()], ckpt_path=path).ok()
    assert second.state_dict() == saved


def test_lbfgs_runs_in_bfloat16(leyden_run: Runner) -> None:
    module = Searching()
    before = module.layer.weight.detach().clone()
    leyden_run("fit", module=module, allowed=OWN, precision="bf16-mixed").ok()
    assert not torch.equal(module.layer.weight, before)


def test_lbfgs_is_refused_in_float16(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", module=Searching(), allowed=OWN, plugins=[float16()])
    assert isinstance(outcome.exception, ConfigurationError)
    assert "LBFGS" in str(outcome.exception)
