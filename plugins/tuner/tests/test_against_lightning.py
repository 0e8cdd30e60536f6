"""The same searches with Lightning: the same rates, losses, suggestions and sizes, and the same fit afterwards."""

from __future__ import annotations

import random
from typing import Any

import numpy
import pytest
import torch

from leyden.testing import quiet

RATES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, {}, {}),
    "linear": ({}, {"mode": "linear", "min_lr": 0.001, "max_lr": 2.0}, {}),
    "never stops": ({}, {"early_stop_threshold": None, "max_lr": 100.0}, {}),
    "diverges": ({}, {"max_lr": 1000.0, "min_lr": 1e-3}, {}),
    "diverges early": (
        {},
        {"max_lr": 1000.0, "min_lr": 1e-3, "early_stop_threshold": 1.5, "num_training": 60},
        {},
    ),
    "few": ({}, {"num_training": 7}, {}),
    "two points": ({}, {"num_training": 13}, {}),
    "more than an epoch": ({"shuffle": True}, {"num_training": 40}, {}),
    "max_epochs ends it": ({}, {}, {"max_epochs": 2}),
    "max_steps is larger": ({}, {"num_training": 30}, {"max_steps": 500, "max_epochs": -1}),
    "accumulation": ({}, {"num_training": 40}, {"accumulate_grad_batches": 3}),
    "skipped batches": ({"skips": 4}, {"num_training": 40}, {}),
    "groups": ({"optimizer": "groups"}, {"min_lr": 1e-6}, {}),
    "adam": ({"optimizer": "adam"}, {}, {}),
    "scheduled": ({"optimizer": "scheduled"}, {"num_training": 40}, {}),
    "validation": ({"validates": True, "shuffle": True}, {"num_training": 40}, {}),
    "learning_rate": ({"name": "learning_rate"}, {"num_training": 40}, {}),
    "a name of its own": ({"name": "eta"}, {"attr_name": "eta", "num_training": 40}, {}),
    "without the attribute": ({"name": "eta"}, {"update_attr": False, "num_training": 40}, {}),
    "clipping": ({}, {"num_training": 40, "min_lr": 0.01, "max_lr": 10.0}, {"gradient_clip_val": 0.1}),
}


def seeded() -> None:
    random.seed(3)
    numpy.random.seed(3)
    torch.manual_seed(3)


def drawn() -> tuple[float, float, float]:
    return random.random(), float(numpy.random.rand()), float(torch.rand(1))


@pytest.mark.parametrize("name", RATES)
def test_lr_find(name: str, both: Any) -> None:
    settings, arguments, keywords = RATES[name]
    found = []
    for bench in both:
        module = bench.module(**settings)
        seeded()
        with quiet():
            finder = bench.tuner(**keywords).lr_find(module, **arguments)
        rates, losses = finder.results["lr"], finder.results["loss"]
        suggestions = [finder.suggestion(), finder.suggestion(0, 2), finder.suggestion(3, 3)]
        attribute = getattr(module, settings.get("name", "lr"))
        found.append((rates, losses, suggestions, attribute, module.tried, drawn()))
    ours, theirs = found
    assert ours[0] == theirs[0] and len(ours[0]) > 2
    assert torch.equal(torch.tensor(ours[1]).nan_to_num(), torch.tensor(theirs[1]).nan_to_num())
    assert ours[2:] == theirs[2:]


@pytest.mark.parametrize("optimizer", ["sgd", "groups", "adam", "scheduled"])
def test_fit_with_the_callback(optimizer: str, both: Any) -> None:
    found = []
    for bench in both:
        module = bench.module(optimizer=optimizer, validates=True, dropout=0.0)  # draws nothing: see below
        callback = bench.callbacks.LearningRateFinder(num_training_steps=30, min_lr=1e-4, max_lr=0.1)
        seeded()
        with quiet():
            trainer = bench.trainer(callback, max_epochs=3)
            trainer.fit(module)
        weights = {key: value.tolist() for key, value in module.state_dict().items()}
        counters = trainer.global_step, trainer.current_epoch
        rates = [group["lr"] for group in trainer.optimizers[0].param_groups]
        found.append((callback.optimal_lr.results, module.lr, rates, counters, weights))
    assert found[0] == found[1]


def test_the_random_numbers_of_the_fit_are_those_without_a_search(bench: Any) -> None:
    found = []
    for searches in (False, True):
        module = bench.module(shuffle=True, validates=True)
        finder = bench.callbacks.LearningRateFinder(num_training_steps=30, update_attr=False)
        seeded()
        bench.trainer(*([finder] if searches else []), max_epochs=3).fit(module)
        found.append(({key: value.tolist() for key, value in module.state_dict().items()}, drawn()))
    assert found[0] == found[1]


SIZES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "power": ({"fits": 20}, {}),
    "power, nothing fails": ({}, {}),
    "power, few trials": ({}, {"max_trials": 3}),
    "power, one trial": ({}, {"max_trials": 1}),
    "power, limited": ({}, {"max_val": 16}),
    "power, more steps": ({"fits": 20}, {"steps_per_trial": 1}),
    "binsearch": ({"fits": 21}, {"mode": "binsearch"}),
    "binsearch without margin": ({"fits": 21}, {"mode": "binsearch", "margin": 0.0}),
    "binsearch with margin": ({"fits": 30}, {"mode": "binsearch", "margin": 0.3}),
    "binsearch, nothing fails": ({}, {"mode": "binsearch"}),
    "binsearch, few trials": ({"fits": 21}, {"mode": "binsearch", "max_trials": 5}),
    "binsearch, limited": ({}, {"mode": "binsearch", "max_val": 20}),
    "with validation": ({"fits": 20, "validates": True}, {}),
    "test": ({"fits": 20}, {"method": "test"}),
    "predict": ({"fits": 11}, {"method": "predict", "mode": "binsearch"}),
    "validate": ({"fits": 20, "validates": True}, {"method": "validate"}),
}


@pytest.mark.parametrize("name", SIZES)
def test_scale_batch_size(name: str, both: Any) -> None:
    settings, arguments = SIZES[name]
    found = []
    for bench in both:
        module = bench.module(**settings)
        with quiet():
            size = bench.tuner().scale_batch_size(module, **arguments)
        found.append((size, module.tried, module.batch_size))
    (size, tried, attribute), theirs = found
    assert size == attribute == theirs[0]
    if arguments.get("method", "fit") == "fit" and "max_val" not in arguments:
        # Lightning's first trial has the loader of the size before
        assert [one for one in tried if one > 4] == [one for one in theirs[1] if one > 4]


@pytest.mark.parametrize("method", ["fit", "validate", "test", "predict"])
def test_call_with_the_callback(method: str, both: Any) -> None:
    found = []
    for bench in both:
        module = bench.module(fits=20, validates=True)
        callback = bench.callbacks.BatchSizeFinder()
        with quiet():
            trainer = bench.trainer(callback, max_epochs=1)
            getattr(trainer, method)(module)
        used = module.tried[-4:]  # by the call itself
        found.append((callback.optimal_batch_size, module.batch_size, used, trainer.global_step))
    assert found[0] == found[1]


def test_the_batch_size_of_a_data_module(both: Any) -> None:
    found = []
    for bench in both:
        module, data = bench.module(fits=20), bench.data()
        with quiet():
            size = bench.tuner().scale_batch_size(module, datamodule=data)
        found.append((size, module.batch_size, data.batch_size, module.tried[-4:]))
    assert found[0] == found[1]
