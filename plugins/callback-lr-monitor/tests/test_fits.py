from __future__ import annotations

import csv
from typing import Any

import pytest
import torch
from torch.optim import LBFGS, SGD, Adam, Rprop
from torch.optim.lr_scheduler import StepLR

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostStrategy, TinyModule
from leyden_callback_lr_monitor import LearningRateMonitor


def halving(module: Any) -> Any:
    optimizer = SGD(module.parameters(), lr=0.5, momentum=0.75, weight_decay=0.25)
    return [optimizer], [{"scheduler": StepLR(optimizer, 1, 0.5), "interval": "step"}]


def test_it_is_importable_from_where_users_look() -> None:
    from leyden import callbacks

    assert callbacks.LearningRateMonitor is LearningRateMonitor


@pytest.mark.parametrize(
    ("argument", "value", "kind", "text"),
    [
        ("logging_interval", "batch", ConfigurationError, "'step', 'epoch' or None"),
        ("logging_interval", "steps", ConfigurationError, "Did you mean 'step'"),
        ("logging_interval", 17, ArgumentTypeError, "'step', 'epoch' or None"),
        ("logging_interval", False, ArgumentTypeError, "'step', 'epoch' or None"),
        ("log_momentum", None, ArgumentTypeError, "True or False"),
        ("log_weight_decay", 1, ArgumentTypeError, "True or False"),
    ],
)
def test_arguments(argument: str, value: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        LearningRateMonitor(**{argument: value})
    assert type(caught.value) is kind
    assert f"{argument}={value!r}" in str(caught.value)


def test_what_is_written(bench: Any) -> None:
    monitor = bench.monitor(log_momentum=True, log_weight_decay=True)
    trainer = bench.fit(monitor, configure=halving, max_epochs=1)
    rest = {"lr-SGD-momentum": 0.75, "lr-SGD-weight_decay": 0.25}
    assert trainer.logger.got == [({"lr-SGD": 0.5**n, **rest}, n - 1) for n in (1, 2, 3)]
    assert monitor.lrs == {"lr-SGD": [0.5, 0.25, 0.125]}
    assert monitor.last_momentum_values == {"lr-SGD-momentum": 0.75}
    assert monitor.last_weight_decay_values == {"lr-SGD-weight_decay": 0.25}


def test_values_are_among_the_metrics(bench: Any) -> None:
    seen: list[Any] = []

    class Watching(Callback):
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            value = trainer.callback_metrics.get("lr-SGD")
            seen.append(value if value is None else (value.item(), trainer.metric_batch("lr-SGD")))

    trainer = bench.fit(bench.monitor(), Watching(), configure=halving, log_every_n_steps=2)
    assert seen == [None, (0.25, 1), (0.25, 1), (0.0625, 3), (0.0625, 3), (0.015625, 5)]
    value = trainer.callback_metrics["lr-SGD"]
    assert (value.shape, value.dtype) == (torch.Size([]), torch.float32)
    assert "lr-SGD" not in trainer.logged_metrics


def test_without_a_logger(bench: Any) -> None:
    reached: list[str] = []

    def configure(module: Any) -> Any:
        reached.append("configure_optimizers")
        return halving(module)

    with pytest.raises(ConfigurationError, match=r"LearningRateMonitor needs a logger.*logger=True"):
        bench.fit(bench.monitor(), configure=configure, logger=False)
    assert reached == []


def test_trying_needs_no_logger(bench: Any) -> None:
    monitor = bench.monitor(logging_interval="step")
    trainer = bench.fit(monitor, configure=halving, fast_dev_run=2, logger=False)
    assert monitor.lrs == {"lr-SGD": [0.5, 0.25]}
    assert trainer.callback_metrics["lr-SGD"] == 0.25


def test_only_a_fit_needs_a_logger(leyden_run: Any) -> None:
    leyden_run("validate", "test", "predict", callbacks=[LearningRateMonitor()], logger=False).ok()


def test_another_rank_writes_nothing(bench: Any) -> None:
    monitor = bench.monitor()
    trainer = bench.fit(monitor, configure=halving, max_epochs=1, strategy=HostStrategy(1, 2))
    assert trainer.logger.got == []
    assert monitor.lrs == {"lr-SGD": [0.5, 0.25, 0.125]}
    assert trainer.callback_metrics["lr-SGD"] == 0.125


def test_each_fit_has_its_own_history(bench: Any) -> None:
    monitor = bench.monitor()
    for _ in range(2):
        bench.fit(monitor, configure=halving, max_epochs=1)
        assert monitor.lrs == {"lr-SGD": [0.5, 0.25, 0.125]}


def test_rates_that_are_tensors(bench: Any) -> None:
    def configure(module: Any) -> Any:
        optimizer = SGD(module.parameters(), lr=torch.tensor(0.5))
        return [optimizer], [{"scheduler": StepLR(optimizer, 1, 0.5), "interval": "step"}]

    monitor = bench.monitor()
    bench.fit(monitor, configure=configure, max_epochs=1)
    assert monitor.lrs == {"lr-SGD": [0.5, 0.25, 0.125]}


def test_momentum_of_adam(bench: Any) -> None:
    monitor = bench.monitor(log_momentum=True, log_weight_decay=True)
    bench.fit(monitor, configure=lambda module: Adam(module.parameters(), lr=0.5, betas=(0.5, 0.75)))
    assert monitor.last_momentum_values == {"lr-Adam-momentum": 0.5}


@pytest.mark.parametrize(
    ("argument", "optimizer", "text"),
    [
        ("log_momentum", Rprop, "(log_momentum=True): lr-Rprop has no momentum or betas; 0 is written."),
        ("log_weight_decay", LBFGS, "(log_weight_decay=True): lr-LBFGS has no weight_decay; 0 is written."),
    ],
)
def test_what_an_optimizer_does_not_have(
    bench: Any, leyden_run: Any, argument: str, optimizer: Any, text: str
) -> None:
    class Module(TinyModule):
        def configure_optimizers(self) -> Any:
            return optimizer(self.parameters(), lr=0.5)

    monitor = LearningRateMonitor("epoch", **{argument: True})
    outcome = leyden_run("fit", module=Module(), callbacks=[monitor], logger=bench.logger()).ok()
    assert outcome.warnings == [f"[lr-monitor-absent] LearningRateMonitor{text}"]
    values = {**monitor.last_momentum_values, **monitor.last_weight_decay_values}
    assert [value for value in values.values() if value is not None] == [0]


def test_one_kind_with_momentum_and_one_with_betas(bench: Any) -> None:
    def configure(module: Any) -> Any:
        return [SGD(module.one.parameters(), lr=0.5, momentum=0.5), Adam(module.two.parameters(), lr=0.5)]

    monitor = bench.monitor(log_momentum=True)
    bench.fit(monitor, configure=configure, manual=True)  # a warning would be an error
    assert monitor.last_momentum_values == {"lr-SGD-momentum": 0.5, "lr-Adam-momentum": 0.9}


def test_without_an_optimizer(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "no-optimizer")
    monitor = bench.monitor(log_momentum=True)
    trainer = bench.fit(monitor, configure=lambda module: None)
    assert (monitor.lrs, trainer.logger.got) == ({}, [])


def test_group_names_that_are_not_unique(bench: Any) -> None:
    def configure(module: Any) -> Any:
        parts = [module.one, module.two]
        return SGD([{"params": list(one.parameters()), "name": "a"} for one in parts], lr=0.5)

    with pytest.raises(
        ConfigurationError, match=r"several parameter groups of lr-SGD have the name 'a'.*of its own"
    ):
        bench.fit(bench.monitor(), configure=configure)


def test_a_resumed_fit_writes_what_an_uninterrupted_one_does(bench: Any) -> None:
    path = bench.folder / "a.ckpt"
    whole = bench.fit(bench.monitor(), configure=halving).logger.got
    first = bench.fit(bench.monitor(), configure=halving, max_epochs=1)
    first.save_checkpoint(path)
    second = bench.fit(bench.monitor(), configure=halving, ckpt_path=path)
    assert first.logger.got + second.logger.got == whole


def test_a_csv_file(bench: Any) -> None:
    loggers = pytest.importorskip("leyden_logger_csv")
    logger = loggers.CSVLogger(bench.folder)
    bench.fit(bench.monitor(), configure=halving, logger=logger, logs=True)
    with open(f"{logger.log_dir}/metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    rates = [(int(row["step"]), float(row["lr-SGD"])) for row in rows if row["lr-SGD"]]
    assert rates == [(step, 0.5 ** (step + 1)) for step in range(6)]
