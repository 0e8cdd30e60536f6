from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden.errors import ConfigurationError
from leyden.testing import Runner, TinyModule
from leyden_strategy_single_device import SingleDeviceStrategy

OWN = ["leyden-strategy-single-device"]


def by_hand(module: TinyModule, batches: list[Any]) -> TinyModule:
    optimizer = module.configure_optimizers()
    for batch in batches:
        optimizer.zero_grad()
        module.loss(batch).backward()
        optimizer.step()
    return module


@pytest.mark.parametrize("strategy", ["single_device", SingleDeviceStrategy(), SingleDeviceStrategy("cpu")])
def test_a_fit_equals_the_loop_written_by_hand(leyden_run: Runner, strategy: Any) -> None:
    from leyden.testing.tiny import batches

    found = leyden_run("fit", allowed=OWN, strategy=strategy).ok().module.state_dict()
    expected = by_hand(TinyModule(), batches()).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_trainer_runs_on_the_given_device(leyden_run: Runner) -> None:
    trainer = leyden_run("fit", allowed=OWN, strategy=SingleDeviceStrategy("cpu")).ok().trainer
    assert trainer.strategy.root_device == torch.device("cpu")
    assert (trainer.world_size, trainer.global_rank, trainer.is_global_zero) == (1, 0, True)


def test_a_device_of_another_accelerator_is_refused_when_the_trainer_is_made(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", allowed=OWN, strategy=SingleDeviceStrategy("cuda:0"))
    assert isinstance(outcome.exception, ConfigurationError)
    assert "accelerator='cuda'" in str(outcome.exception)


def test_several_nodes_are_refused_when_the_trainer_is_made(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", allowed=OWN, strategy="single_device", num_nodes=2)
    assert isinstance(outcome.exception, ConfigurationError)
    assert "leyden-strategy-ddp" in str(outcome.exception)
