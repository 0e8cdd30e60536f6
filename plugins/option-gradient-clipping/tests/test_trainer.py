from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from leyden.errors import ConfigurationError
from leyden.testing import Runner, TinyModule

OWN = ["leyden-option-gradient-clipping"]


class Steep(TinyModule):
    """Its gradients are large; it keeps those that the optimizer got, one tensor a batch."""

    def __init__(self, automatic: bool = True) -> None:
        super().__init__(learning_rate=1e-6)
        self.automatic_optimization = automatic
        self.applied: list[Tensor] = []

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        return 1e4 * super().loss(batch)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        gradients = [one.grad.flatten() for one in self.parameters() if one.grad is not None]
        self.applied.append(torch.cat(gradients).clone())


class Chooser(Steep):
    """Decides by itself how it is clipped."""

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        self.asked = (gradient_clip_val, gradient_clip_algorithm)


def applied(leyden_run: Runner, module: Steep, **keywords: Any) -> list[Tensor]:
    """The gradients that were applied in a run."""
    leyden_run("fit", module=module, allowed=OWN, **keywords).ok()
    assert len(module.applied) == 2
    return module.applied


@pytest.mark.parametrize("algorithm", [None, "norm", "NORM"])
def test_the_norm_of_all_gradients_is_bounded(leyden_run: Runner, algorithm: str | None) -> None:
    found = applied(leyden_run, Steep(), gradient_clip_val=0.5, gradient_clip_algorithm=algorithm)
    assert [float(one.norm()) for one in found] == pytest.approx([0.5, 0.5], rel=1e-5)


def test_each_element_is_bounded(leyden_run: Runner) -> None:
    found = applied(leyden_run, Steep(), gradient_clip_val=0.5, gradient_clip_algorithm="value")
    assert all(one.abs().max() == 0.5 and one.norm() > 0.5 for one in found)


@pytest.mark.parametrize("keywords", [{}, {"gradient_clip_val": 0}, {"gradient_clip_algorithm": "value"}])
def test_without_a_bound_nothing_is_clipped(leyden_run: Runner, keywords: dict[str, Any]) -> None:
    assert all(one.norm() > 10 for one in applied(leyden_run, Steep(), **keywords))


def test_the_module_is_asked_and_may_decide(leyden_run: Runner) -> None:
    module = Chooser()
    found = applied(leyden_run, module, gradient_clip_val=0.5, gradient_clip_algorithm="value")
    assert module.asked == (0.5, "value")
    assert all(one.norm() > 10 for one in found)


def test_manual_optimization_is_refused_before_it_starts(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", module=Steep(automatic=False), allowed=OWN, gradient_clip_val=0.5)
    assert isinstance(outcome.exception, ConfigurationError)
    assert "gradient_clip_val=0.5" in str(outcome.exception)
    assert "on_fit_start" not in outcome.events


@pytest.mark.parametrize("stage", ["validate", "test", "predict"])
def test_manual_optimization_may_be_evaluated(leyden_run: Runner, stage: str) -> None:
    leyden_run(stage, module=Steep(automatic=False), allowed=OWN, gradient_clip_val=0.5).ok()


def test_the_keywords_are_attributes_of_the_trainer(leyden_run: Runner) -> None:
    keywords: dict[str, Any] = {"gradient_clip_val": 1, "gradient_clip_algorithm": "VALUE"}
    trainer = leyden_run("fit", allowed=OWN, **keywords).ok().trainer
    assert (trainer.gradient_clip_val, trainer.gradient_clip_algorithm) == (1, "value")
    plain = leyden_run("fit", allowed=OWN).ok().trainer
    assert (plain.gradient_clip_val, plain.gradient_clip_algorithm) == (None, None)


@pytest.mark.parametrize(
    "keywords", [{"gradient_clip_val": "1"}, {"gradient_clip_val": True}, {"gradient_clip_algorithm": True}]
)
def test_a_wrong_type_is_a_type_error_of_the_trainer(leyden_run: Runner, keywords: dict[str, Any]) -> None:
    outcome = leyden_run("fit", allowed=OWN, **keywords)
    assert isinstance(outcome.exception, TypeError)
    assert next(iter(keywords)) in str(outcome.exception)
