"""After a search everything is bit for bit what it was, whether it ended well or not."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy
import pytest
import torch
from torch.utils.data import DataLoader

from leyden import Callback
from leyden.testing.fingerprint import fingerprint


class Log(Callback):
    """Keeps the hooks that it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.kept: dict[str, list[int]] = {"numbers": [1]}

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.heard.append("setup")
        self.kept["numbers"].append(2)
        heard.append("setup")

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        heard.append("on_fit_start")

    def on_train_batch_end(self, *_: Any) -> None:
        heard.append("on_train_batch_end")

    def on_fit_end(self, *_: Any) -> None:
        heard.append("on_fit_end")

    def teardown(self, *_: Any) -> None:
        heard.append("teardown")


heard: list[str] = []


def everything(module: Any, trainer: Any) -> dict[str, Any]:
    """All that a search could change, as data that can be compared; the attributes that it sets are left out."""
    assert module.hparams == {}  # made when it is first read
    attributes = {
        f"{name}.{key}": fingerprint(value)
        for name, one in module.named_modules()
        for key, value in vars(one).items()
        if key
        not in (
            "_parameters",
            "_buffers",
            "_modules",
            "_trainer",
            "_device_found",
            "lr",
            "batch_size",
            "taken",
        )
    }
    tensors = {
        name: (one.detach().clone().tolist(), one.requires_grad, one.grad)
        for name, one in [*module.named_parameters(), *module.named_buffers()]
    }
    generators = random.getstate(), pickle.dumps(numpy.random.get_state()), torch.get_rng_state().tolist()
    callbacks = [(id(one), fingerprint(vars(one))) for one in trainer.callbacks]
    state = trainer.run_state
    counters = state.counters.state_dict(), str(state.limits), state.should_stop, state.point, state.extra
    limits = trainer.limit_train_batches, trainer.limit_val_batches, trainer.limit_test_batches
    return {
        "attributes": attributes, "tensors": tensors, "generators": generators, "callbacks": callbacks,
        "loggers": [id(one) for one in trainer.loggers], "listeners": list(trainer.listeners),
        "counters": counters, "limits": limits, "session": trainer.session,
    }  # fmt: skip


def changed(found: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """The names of what differs."""
    names = []
    for key in found:
        if isinstance(found[key], dict):
            both = {**found[key], **before[key]}
            names += [one for one in both if found[key].get(one) != before[key].get(one)]
        elif found[key] != before[key]:
            names.append(key)
    return names


@pytest.fixture
def program(bench: Any) -> Any:
    heard.clear()
    module = bench.module(shuffle=True, validates=True)
    module.register_buffer("unsaved", torch.zeros(3), persistent=False)
    module.seen, module.sums = [], {"total": torch.zeros(2)}

    def remember(batch: Any) -> Any:
        module.seen.append(len(batch[0]))
        module.sums["total"] += 1
        module.unsaved += 1
        module.net[0].note = "changed"
        return batch

    module.__dict__["taken"] = remember
    trainer = bench.trainer(Log(), max_epochs=5)
    torch.manual_seed(5)
    random.seed(5)
    numpy.random.seed(5)
    return bench, module, trainer


SEARCHES: dict[str, Any] = {
    "lr_find": lambda tuner, module: tuner.lr_find(module, num_training=40),
    "power": lambda tuner, module: tuner.scale_batch_size(module, max_val=16),
    "test": lambda tuner, module: tuner.scale_batch_size(module, max_val=16, method="test"),
    "validate": lambda tuner, module: tuner.scale_batch_size(module, max_val=16, method="validate"),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_after_a_search(name: str, program: Any) -> None:
    bench, module, trainer = program
    before = everything(module, trainer)
    assert SEARCHES[name](bench.part("tuner").Tuner(trainer), module)
    assert changed(everything(module, trainer), before) == []
    assert heard == ["setup", "teardown"]
    assert list(bench.folder.rglob("*")) == []
    assert trainer.state.finished


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_after_an_exception(name: str, error: type[BaseException], program: Any) -> None:
    bench, module, trainer = program
    taken, before = module.taken, everything(module, trainer)

    def fails(batch: Any) -> Any:
        taken(batch)
        if len(module.seen) == 5:
            raise error("on purpose")
        return batch

    module.__dict__["taken"] = fails
    tuner = bench.part("tuner").Tuner(trainer)
    if error is KeyboardInterrupt:
        assert SEARCHES[name](tuner, module) is None
    else:
        with pytest.raises(error, match="on purpose"):
            SEARCHES[name](tuner, module)
    assert trainer.interrupted
    module.__dict__["taken"] = taken
    assert changed(everything(module, trainer), before) == []
    assert list(bench.folder.rglob("*")) == []


@pytest.mark.parametrize("optimizer", ["sgd", "groups", "adam", "scheduled"])
def test_the_optimizer_in_a_fit(optimizer: str, bench: Any) -> None:
    seen = []

    class Finder(bench.callbacks.LearningRateFinder):  # type: ignore[name-defined, misc]
        def on_fit_start(self, *_: Any) -> None:
            """Later."""

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            if trainer.global_step == 20:
                optimizer = trainer.optimizers[0]
                seen.append((fingerprint(optimizer.state_dict()), sorted(vars(optimizer)), trainer.session))
                grads = [one.grad.clone() for one in pl_module.parameters()]
                self.lr_find(trainer, pl_module)
                assert len(self.optimal_lr.results["lr"]) > 20
                assert all(
                    torch.equal(one.grad, grad)
                    for one, grad in zip(pl_module.parameters(), grads, strict=True)
                )
                seen.append((fingerprint(optimizer.state_dict()), sorted(vars(optimizer)), trainer.session))

    finished = []
    for searches in (False, True):
        module = bench.module(optimizer=optimizer, shuffle=True, validates=True)
        torch.manual_seed(2)
        callbacks = [Finder(update_attr=False, num_training_steps=30)] if searches else []
        trainer = bench.trainer(*callbacks, max_epochs=4)
        trainer.fit(module)
        finished.append(
            (fingerprint(module.state_dict()), trainer.global_step, dict(trainer.callback_metrics))
        )
    assert seen[0] == seen[1]
    assert finished[0] == finished[1]


def test_the_generator_of_a_loader(bench: Any) -> None:
    module = bench.module()
    data = module.train_dataloader().dataset
    generator = torch.Generator().manual_seed(3)
    loader = DataLoader(data, batch_size=4, shuffle=True, generator=generator)
    before = generator.get_state()
    bench.tuner().lr_find(module, loader, num_training=40)
    assert torch.equal(generator.get_state(), before)


@pytest.mark.multiprocess
def test_workers_are_not_kept(bench: Any) -> None:
    module = bench.module()
    data = module.train_dataloader().dataset
    loader = DataLoader(data, batch_size=4, num_workers=1, persistent_workers=True)
    bench.tuner().lr_find(module, loader, num_training=12)
    assert loader._iterator is None
