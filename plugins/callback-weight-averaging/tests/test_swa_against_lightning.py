"""The same fits with Lightning: the same weights, learning rates and states."""

from __future__ import annotations

from typing import Any

import pytest
import torch


def simplified(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: simplified(one) for key, one in value.items()}
    return [simplified(one) for one in value] if isinstance(value, list | tuple) else value


CASES: list[dict[str, Any]] = [
    {"swa_lrs": 0.05, "swa_epoch_start": 2},
    {"swa_lrs": [0.05], "swa_epoch_start": 0.5, "annealing_epochs": 2},
    {"swa_lrs": 0.05, "swa_epoch_start": 1, "annealing_strategy": "linear", "annealing_epochs": 3},
    {"swa_lrs": 0.05, "swa_epoch_start": 2, "avg_fn": lambda held, new, count: held * 0.75 + new * 0.25},
    {"swa_lrs": 0.05, "swa_epoch_start": 0.0, "device": None},
]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batchnorm"])
@pytest.mark.parametrize("scheduled", ["", "epoch"])
def test_fits(both: Any, make: Any, weights: Any, data: Any, case: int, norm: bool, scheduled: str) -> None:
    found = []
    for bench in both:
        module = make(bench, norm=norm, scheduled=scheduled)
        callback = bench.callbacks.StochasticWeightAveraging(**CASES[case])
        trainer = bench.fit(module, callback, val=data(2), max_epochs=4)
        held = callback.state_dict()
        buffers = {name for name, _ in module.named_buffers()}
        # of the average, only the parameters are used: Lightning copies buffers before the sanity check, as we do
        held["average_model_state"] = {
            name: one for name, one in held["average_model_state"].items() if name not in buffers
        }
        found.append((weights(module), module.seen, simplified(held), trainer.current_epoch))
        found[-1] += (trainer.max_epochs, callback.swa_start, callback.swa_end, callback.state_key)
    assert found[0] == found[1]


def test_without_validation_gradients_of_the_last_update_are_not_applied_again(
    both: Any, make: Any, weights: Any
) -> None:
    """Lightning's epoch for statistics ends with a step of the optimizer, with the gradients that are still there."""
    found = []
    for bench in both:
        module = make(bench, norm=True, optimizer="SGD")
        callback = bench.callbacks.StochasticWeightAveraging(0.05, swa_epoch_start=2)
        trainer = bench.fit(module, callback, max_epochs=3)
        average = callback.state_dict()["average_model_state"]
        same = all(torch.equal(one, average[name]) for name, one in module.named_parameters())
        found.append((same, trainer.global_step))
    assert found == [(True, 9), (False, 10)]


def test_averaging_that_never_begins(both: Any, make: Any, weights: Any, data: Any) -> None:
    """Lightning gives the module the weights that it had before the fit."""
    found = []
    for bench in both:
        module = make(bench)
        before = weights(module)
        callback = bench.callbacks.StochasticWeightAveraging(0.05, swa_epoch_start=9)
        if bench.ours:
            with pytest.warns(UserWarning, match="swa-never"):
                trainer = bench.trainer(callback)
                trainer.fit(module, data())
        else:
            bench.fit(module, callback)
        found.append(weights(module) == before)
    assert found == [False, True]
