"""The same fits with Lightning: the same names, values and steps, in the same order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, ReduceLROnPlateau, StepLR


def groups(module: Any, *names: str | None) -> list[dict[str, Any]]:
    made = []
    for number, (part, name) in enumerate(zip((module.one, module.two), names, strict=True), start=1):
        made.append({"params": list(part.parameters()), "lr": 0.1 * number})
        if name is not None:
            made[-1]["name"] = name
    return made


def stepping(optimizer: Optimizer, **settings: Any) -> dict[str, Any]:
    return {"scheduler": ExponentialLR(optimizer, 0.5), "interval": "step", **settings}


def one(module: Any) -> Any:
    return SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


def epochs(module: Any) -> Any:
    optimizer = one(module)
    return [optimizer], [StepLR(optimizer, 1)]


def steps(module: Any) -> Any:
    optimizer = one(module)
    return [optimizer], [stepping(optimizer)]


def named_scheduler(module: Any) -> Any:
    optimizer = Adam(module.parameters(), lr=0.1)
    return [optimizer], [stepping(optimizer, name="warm-up")]


def two_groups(module: Any) -> Any:
    return Adam(groups(module, None, None), lr=0.1)


def two_named_groups(module: Any) -> Any:
    optimizer = AdamW(groups(module, "body", "head"), lr=0.1)
    return [optimizer], [stepping(optimizer, name="warm-up")]


def one_of_two_named(module: Any) -> Any:
    return SGD(groups(module, None, "head"), lr=0.1)


def a_named_group(module: Any) -> Any:
    return SGD([{"params": list(module.parameters()), "name": "all"}], lr=0.1)


def two_of_a_kind(module: Any) -> Any:
    return [SGD(module.one.parameters(), lr=0.1), SGD(module.two.parameters(), lr=0.2)]


def three_of_a_kind(module: Any) -> Any:
    first, second = two_of_a_kind(module)
    third = SGD([module.two.bias], lr=0.3)
    return [first, second, third], [stepping(second), StepLR(third, 1)]


def two_kinds(module: Any) -> Any:
    return [SGD(module.one.parameters(), lr=0.1), Adam(module.two.parameters(), lr=0.2)]


def two_kinds_one_scheduled(module: Any) -> Any:
    first, second = two_kinds(module)
    return [first, second], [stepping(second)]


def two_schedulers_of_one(module: Any) -> Any:
    optimizer = one(module)
    return [optimizer], [stepping(optimizer), LambdaLR(optimizer, lambda epoch: 0.9**epoch)]


def two_named_schedulers(module: Any) -> Any:
    first, second = two_of_a_kind(module)
    return [first, second], [stepping(first, name="a"), stepping(second, name="b", interval="epoch")]


def named_after_unnamed(module: Any) -> Any:
    first, second = two_of_a_kind(module)
    third = SGD([module.two.bias], lr=0.3)
    return [first, second, third], [stepping(first), stepping(second), stepping(third, name="c")]


def groups_of_a_kind(module: Any) -> Any:
    first = SGD(groups(module, "body", "head"), lr=0.1)
    second = SGD(groups(module, None, None), lr=0.1)
    return [first, second], [StepLR(first, 1)]


def plateau(module: Any) -> Any:
    optimizer = one(module)
    scheduler = ReduceLROnPlateau(optimizer, patience=0, mode="min")
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "loss"}}


def nothing(module: Any) -> Any:
    optimizer = SGD([module.two.bias], lr=0.0)
    return [optimizer], [{"scheduler": StepLR(optimizer, 1), "frequency": 2}]


AUTOMATIC: list[Callable[[Any], Any]] = [
    one,
    epochs,
    steps,
    named_scheduler,
    two_groups,
    two_named_groups,
    one_of_two_named,
    a_named_group,
    two_schedulers_of_one,
    plateau,
    nothing,
]
MANUAL: list[Callable[[Any], Any]] = [
    two_of_a_kind,
    three_of_a_kind,
    two_kinds,
    two_kinds_one_scheduled,
    two_named_schedulers,
    named_after_unnamed,
    groups_of_a_kind,
]
ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"logging_interval": "step"},
    {"logging_interval": "epoch"},
    {"log_momentum": True, "log_weight_decay": True},
]


def compare(both: Any, arguments: dict[str, Any], configure: Any, **run: Any) -> None:
    found = []
    for bench in both:
        monitor = bench.monitor(**arguments)
        trainer = bench.fit(monitor, configure=configure, **run)
        metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
        momenta, decays = monitor.last_momentum_values, monitor.last_weight_decay_values
        written = getattr(trainer.logger, "got", None)
        written = written if isinstance(written, list) else None  # fast_dev_run has no logger
        found.append((written, metrics, monitor.lrs, momenta, decays, monitor.state_key))
    assert found[0] == found[1]
    assert found[0][2]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=repr)
@pytest.mark.parametrize("configure", AUTOMATIC, ids=lambda function: function.__name__)
def test_one_optimizer(both: Any, configure: Any, arguments: dict[str, Any]) -> None:
    compare(both, arguments, configure, logs=configure is plateau)


@pytest.mark.filterwarnings("ignore:.*momentum")
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=repr)
@pytest.mark.parametrize("configure", MANUAL, ids=lambda function: function.__name__)
def test_several_optimizers(both: Any, configure: Any, arguments: dict[str, Any]) -> None:
    compare(both, arguments, configure, manual=True)


RUNS: list[dict[str, Any]] = [
    {"log_every_n_steps": 2},
    {"log_every_n_steps": 5},
    {"log_every_n_steps": 0},
    {"accumulate_grad_batches": 2},
    {"accumulate_grad_batches": 2, "log_every_n_steps": 2},
    {"max_steps": 4, "max_epochs": -1},
    {"fast_dev_run": True},
    {"logs": True},
    {"logs": True, "log_every_n_steps": 2},
]


@pytest.mark.parametrize("interval", [None, "step", "epoch"])
@pytest.mark.parametrize("run", RUNS, ids=repr)
def test_when(both: Any, run: dict[str, Any], interval: str | None) -> None:
    compare(both, {"logging_interval": interval}, steps, **run)


@pytest.mark.parametrize("interval", ["step", "epoch"])
def test_when_the_fit_is_about_to_stop(both: Any, interval: str) -> None:
    for bench in both:
        bench.stop = make_stopping(bench.callbacks.Callback)
    found = []
    for bench in both:
        monitor = bench.monitor(logging_interval=interval)
        trainer = bench.fit(
            bench.stop, monitor, configure=steps, log_every_n_steps=3, min_steps=5, max_epochs=4
        )
        found.append((trainer.logger.got, monitor.lrs))
    assert found[0] == found[1]


def make_stopping(base: type) -> Any:
    class Stopping(base):
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
            trainer.should_stop = trainer.global_step >= 1

    return Stopping()


def make_growing(base: type) -> Any:
    class Growing(base):
        """Adds a parameter group when the second epoch begins."""

        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            if trainer.current_epoch == 1:
                trainer.optimizers[0].add_param_group({"params": list(module.two.parameters()), "lr": 0.5})

    return Growing()


@pytest.mark.parametrize("interval", [None, "step", "epoch"])
def test_parameter_groups_that_come_later(both: Any, interval: str | None) -> None:
    found = []
    for bench in both:
        monitor = bench.monitor(logging_interval=interval)
        growing = make_growing(bench.callbacks.Callback)
        trainer = bench.fit(growing, monitor, configure=lambda module: SGD(module.one.parameters(), lr=0.1))
        found.append((trainer.logger.got, monitor.lrs))
    assert found[0] == found[1]
    assert set(found[0][1]) == {"lr-SGD/pg1", "lr-SGD/pg2"}
