from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostAccelerator, HostStrategy, TinyData, TinyModule
from leyden_callback_device_stats import DeviceStatsMonitor

LOAD = {"cpu_percent", "cpu_vm_percent", "cpu_swap_percent"}


def module(bench: Any) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def loss(self, batch: Any) -> Any:
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return self.loss(batch)

        def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
            self.loss(batch)

        test_step = validation_step

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Module()


@pytest.mark.parametrize("cpu_stats", [None, True, False])
@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"log_every_n_steps": 2},
        {"log_every_n_steps": 0},
        {"accumulate_grad_batches": 2},
        {"max_steps": 4},
    ],
    ids=repr,
)
def test_as_lightning(both: Any, data: Any, cpu_stats: Any, keywords: Any) -> None:
    """The same names at the same steps."""
    found = []
    for bench in both:
        made = bench.memory_logger()
        given = {"logger": made, "log_every_n_steps": 1, "num_sanity_val_steps": 0, **keywords}
        callback = bench.callbacks.DeviceStatsMonitor(cpu_stats)
        trained = module(bench)
        trainer = bench.fit(trained, callback, val=[data(2), data(3)], **given)
        import warnings

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="(?!leyden)")
            trainer.test(trained, data(2), verbose=False)
        found.append([(sorted(metrics), step) for metrics, step in made.got])
    assert found[0] == found[1]
    assert bool(found[0]) is (cpu_stats is not False and keywords.get("log_every_n_steps") != 0)


def test_the_sanity_check_is_left_out(bench: Any, data: Any) -> None:
    made = bench.memory_logger()
    bench.fit(
        module(bench), DeviceStatsMonitor(), val=data(2), logger=made, log_every_n_steps=1, max_epochs=1
    )
    names = [next(iter(metrics)).partition("/")[0].partition(".")[2] for metrics, _ in made.got]
    assert names[:2] == ["on_train_batch_start", "on_train_batch_end"]
    assert names[-2:] == ["on_validation_batch_start", "on_validation_batch_end"]


class Chip(HostAccelerator):
    """A device with figures of its own."""

    def get_device_stats(self, device: torch.device) -> dict[str, Any]:
        return {"allocated_bytes.all.current": 17}


class OnChip(HostStrategy):
    """Computes on the CPU, and says that it is another device when asked for figures."""

    @property
    def root_device(self) -> Any:
        import sys

        caller = sys._getframe(1).f_code.co_name
        return torch.device("meta") if caller == "_figures" else torch.device("cpu")


@pytest.mark.parametrize("cpu_stats", [None, True, False])
def test_another_device(bench: Any, cpu_stats: Any) -> None:
    made = bench.memory_logger()
    trainer = bench.trainer(
        DeviceStatsMonitor(cpu_stats),
        logger=made,
        log_every_n_steps=1,
        max_epochs=1,
        accelerator=Chip(),
        strategy=OnChip(),
    )
    trainer.fit(TinyModule(), TinyData())
    own = "DeviceStatsMonitor.on_train_batch_start/allocated_bytes.all.current"
    first = next(metrics for metrics, _ in made.got if own in metrics)
    assert first[own] == 17
    assert {name.partition("/")[2] for name in first} - {own.partition("/")[2]} == (
        LOAD if cpu_stats else set()
    )


def test_separators_of_loggers(bench: Any) -> None:
    first, second = bench.memory_logger(), bench.memory_logger()
    second.group_separator = "-"
    trainer = bench.trainer(DeviceStatsMonitor(), logger=[first, second], log_every_n_steps=1, max_epochs=1)
    trainer.fit(TinyModule(), TinyData())
    for made, separator in ((first, "/"), (second, "-")):
        name = f"DeviceStatsMonitor.on_train_batch_end{separator}cpu_percent"
        assert any(name in metrics for metrics, _ in made.got)


def test_another_rank_asks_for_nothing(bench: Any) -> None:
    class Asked(HostAccelerator):
        def get_device_stats(self, device: torch.device) -> dict[str, Any]:
            raise AssertionError("asked")

    trainer = bench.trainer(
        DeviceStatsMonitor(),
        logger=bench.memory_logger(),
        log_every_n_steps=1,
        max_epochs=1,
        accelerator=Asked(),
        strategy=HostStrategy(1, 2),
    )
    trainer.fit(TinyModule(), TinyData())


def test_without_a_logger(leyden_run: Any) -> None:
    outcome = leyden_run("fit", callbacks=[DeviceStatsMonitor()])
    assert isinstance(outcome.exception, ConfigurationError)
    assert "DeviceStatsMonitor needs a logger" in str(outcome.exception)
    leyden_run("fit", callbacks=[DeviceStatsMonitor()], fast_dev_run=True).ok()
    leyden_run("validate", "test", "predict", callbacks=[DeviceStatsMonitor()]).ok()


@pytest.mark.parametrize("value", [1, "yes", 0.5], ids=repr)
def test_arguments(value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="cpu_stats="):
        DeviceStatsMonitor(value)
