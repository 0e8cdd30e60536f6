from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostStrategy, TinyData, TinyModule
from leyden_callback_throughput import Throughput, ThroughputMonitor, get_available_flops, measure_flops
from leyden_callback_throughput import stopwatch as stopwatch_module
from leyden_callback_throughput.flops import CUDA_PEAKS, _matches, compute_dtype
from leyden_callback_throughput.stopwatch import Stopwatch


def size(batch: Any) -> int:
    return len(batch[0] if isinstance(batch, list) else batch)


def items(batch: Any) -> int:
    return 3 * size(batch)


def module(bench: Any, flops: bool = True) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)
            if flops:
                self.flops_per_batch = 1000

        def loss(self, batch: Any) -> Any:
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return self.loss(batch)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.loss(batch)

        test_step = validation_step

        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return self.loss(batch)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Module()


CASES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"window_size": 2}, {}, True),
    ({"window_size": 3, "length_fn": items, "separator": "|"}, {"log_every_n_steps": 2}, True),
    ({}, {}, False),
    ({"window_size": 2, "length_fn": items}, {"accumulate_grad_batches": 2}, True),
    ({"window_size": 2}, {"val_check_interval": 2, "max_steps": 5}, False),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_as_lightning(both: Any, data: Any, case: int) -> None:
    """The same names at the same steps; the same totals, too, but for times and rates."""
    arguments, keywords, flops = CASES[case]
    found = []
    for bench in both:
        made, trained = bench.memory_logger(), module(bench, flops)
        monitor = bench.callbacks.ThroughputMonitor(size, **arguments)
        given = {"logger": made, "log_every_n_steps": 1, **keywords}
        trainer = bench.fit(trained, monitor, data=data(4), val=data(3), **given)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="(?!leyden)")
            trainer.test(trained, data(2), verbose=False)
            trainer.predict(trained, data(2))
        found.append(
            [
                ({k: v for k, v in one.items() if "time" not in k and "per_sec" not in k}, step)
                for one, step in made.got
            ]
        )
        found.append([sorted(one) for one, _ in made.got])
    # Lightning begins to count validation batches anew in each epoch, so that its records overlie one another
    steps = [[step for one, step in each if "validate" not in str(one)] for each in found[::2]]
    assert steps[0] == steps[1]
    assert [one for one, _ in found[0]] == [one for one, _ in found[2]]
    validated = [step for one, step in found[0] if "validate" in str(one)]
    assert validated == sorted(set(validated))
    assert found[1] == found[3]
    assert found[0]


def test_throughput_as_lightning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip("lightning_fabric.utilities.throughput")
    for world_size in (1, 3):
        for lengths in (None, 5):
            for flops in (None, 700):
                both = [
                    kind(available_flops=1e4, world_size=world_size, window_size=3, separator="-")
                    for kind in (Throughput, theirs.Throughput)
                ]
                for step in range(1, 6):
                    for one in both:
                        one.update(
                            time=0.5 * step**1.5,
                            batches=step,
                            samples=4 * step,
                            lengths=None if lengths is None else 4 * step * lengths,
                            flops=flops,
                        )
                    ours, expected = (one.compute() for one in both)
                    assert ours == pytest.approx(expected)
                for one in both:
                    one.reset()
                    one.update(time=0.1, batches=1, samples=1)
                assert both[0].compute() == both[1].compute()


def test_measure_flops_as_lightning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip("lightning_fabric.utilities.throughput")
    with torch.device("meta"):
        model, x = torch.nn.Linear(32, 8), torch.randn(2, 32)
    for loss in (None, torch.Tensor.sum):
        found = measure_flops(model, lambda: model(x), loss)
        assert found == theirs.measure_flops(model, lambda: model(x), loss)
    assert measure_flops(model, lambda: model(x)) == 2 * 2 * 32 * 8


class Ticking:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_validation_is_left_out_of_the_time_of_training(
    bench: Any, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, made, trained = Ticking(), bench.memory_logger(), module(bench)
    monkeypatch.setattr(stopwatch_module, "perf_counter", clock)
    step, validate = trained.training_step, trained.validation_step

    def slow(seconds: float, call: Any) -> Any:
        def run(batch: Any, batch_idx: int) -> Any:
            clock.now += seconds
            return call(batch, batch_idx)

        return run

    trained.training_step, trained.validation_step = slow(1, step), slow(100, validate)
    monitor = ThroughputMonitor(size, window_size=2, available_flops=2000)
    bench.fit(trained, monitor, val=data(2), logger=made, log_every_n_steps=1)
    train = [one for one, _ in made.got if "train/time" in one]
    assert [one["train/time"] for one in train] == [1, 2, 3, 4, 5, 6]
    rates = ["batches_per_sec", "samples_per_sec", "flops_per_sec", "mfu"]
    assert [train[-1][f"train/device/{name}"] for name in rates] == [1, 4, 1000, 0.5]
    assert [one["validate/time"] for one, _ in made.got if "validate/time" in one] == [100, 200] * 2


class Event:
    """A CUDA event whose device is far behind."""

    reached: list[float]
    waits: int

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self.at = Event.clock()

    def synchronize(self) -> None:
        Event.waits += 1

    def elapsed_time(self, other: Any) -> float:
        return 1000.0 * (other.at - self.at)

    clock: Any = None


def test_a_gpu_is_waited_for_only_when_a_record_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Ticking()
    Event.clock, Event.waits = clock, 0
    monkeypatch.setattr(torch.cuda, "Event", Event)
    watch = Stopwatch(torch.device("cuda"))
    laps = []
    for _ in range(3):
        clock.now += 2
        laps.append(watch.lap())
        clock.now += 10
        watch.leave_out()
    assert Event.waits == 0
    assert [watch.seconds(one) for one in laps] == [2, 4, 6]
    assert Event.waits > 0


def test_only_the_last_updates_wait(bench: Any, data: Any) -> None:
    made = bench.memory_logger()
    monitor = ThroughputMonitor(size, window_size=2)
    bench.fit(
        module(bench), monitor, data=data(7), val=data(1), logger=made, log_every_n_steps=7, max_epochs=1
    )
    assert [(one["train/batches"], one["train/samples"]) for one, _ in made.got if "train/time" in one] == [
        (7, 28)
    ]
    assert "train/device/samples_per_sec" in made.got[0][0]


def test_several_devices(bench: Any) -> None:
    made = bench.memory_logger()
    keywords = {"logger": made, "log_every_n_steps": 1, "strategy": HostStrategy(0, 2), "max_epochs": 1}
    bench.trainer(ThroughputMonitor(size, window_size=2), **keywords).fit(TinyModule(), TinyData())
    one = next(one for one, _ in made.got if "train/samples_per_sec" in one)
    assert one["train/samples_per_sec"] == pytest.approx(2 * one["train/device/samples_per_sec"])


def test_another_rank_measures_nothing(bench: Any) -> None:
    def refuse(batch: Any) -> int:
        raise AssertionError("measured")

    keywords = {
        "logger": bench.memory_logger(),
        "log_every_n_steps": 1,
        "strategy": HostStrategy(1, 2),
        "max_epochs": 1,
    }
    bench.trainer(ThroughputMonitor(refuse), **keywords).fit(TinyModule(), TinyData())


NAMES = {
    "NVIDIA H100 80GB HBM3": 989.4e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835.5e12,
    "NVIDIA H200": 989.4e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA A10G": 125e12,
    "NVIDIA L4": 121e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA GeForce RTX 4090": 165.2e12,
    "NVIDIA GeForce RTX 3080 Ti": 68.2e12,
    "NVIDIA RTX A6000": 154.8e12,
}


@pytest.mark.parametrize("name", list(NAMES))
def test_peaks(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert get_available_flops(torch.device("cuda"), torch.bfloat16) == NAMES[name]


def test_peaks_that_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    assert get_available_flops(torch.device("cuda"), torch.float16) == 65e12
    with pytest.warns(UserWarning, match=r"\[flops-unknown\] .*T4.*bfloat16"):
        assert get_available_flops(torch.device("cuda"), torch.bfloat16) is None
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla K80")
    with pytest.warns(UserWarning, match="flops-unknown"):
        assert get_available_flops(torch.device("cuda"), torch.float16) is None
    assert get_available_flops(torch.device("cpu"), torch.float32) is None


def test_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA A100-PCIE-40GB")
    before = torch.get_float32_matmul_precision()
    try:
        for precision, peak in (("highest", 19.5e12), ("high", 156e12)):
            torch.set_float32_matmul_precision(precision)
            assert get_available_flops(torch.device("cuda"), torch.float32) == peak
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_table_finds_each_of_its_chips_first() -> None:
    for index, (pattern, _) in enumerate(CUDA_PEAKS):
        name = pattern.replace("g?", "g").replace("[ -]", "-").replace(r"\d?", "2")
        matching = [i for i, (one, _) in enumerate(CUDA_PEAKS) if _found(one, name)]
        assert matching[0] == index


def _found(pattern: str, name: str) -> bool:
    return _matches(pattern, f"NVIDIA {name.upper()}")


def test_tpus(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    environment = {"ACCELERATOR_TYPE": "v4-8"}
    made = ModuleType("torch_xla._internal.tpu")
    made.get_tpu_env = lambda: environment  # type: ignore[attr-defined]
    for name in ("torch_xla", "torch_xla._internal"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "torch_xla._internal.tpu", made)
    assert get_available_flops(torch.device("xla"), torch.bfloat16) == 275e12
    environment["TYPE"] = "V9"
    with pytest.warns(UserWarning, match="V9"):
        assert get_available_flops(torch.device("xla"), torch.bfloat16) is None


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [
        ("32-true", torch.float32),
        ("64-true", torch.float64),
        ("16-mixed", torch.float16),
        ("bf16-true", torch.bfloat16),
        ("transformer-engine", torch.int8),
    ],
)
def test_formats(precision: str, dtype: torch.dtype) -> None:
    assert compute_dtype(precision) is dtype


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"batch_size_fn": 4}, "batch_size_fn=4"),
        ({"length_fn": 4}, "length_fn=4"),
        ({"window_size": 1}, "window_size=1"),
        ({"window": 3}, "Did you mean 'window_size'"),
        ({"separator": 1}, "separator=1"),
        ({"available_flops": -1}, "available_flops=-1"),
        ({"world_size": 2}, "has no argument 'world_size'"),
    ],
    ids=repr,
)
def test_arguments(arguments: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        ThroughputMonitor(**{"batch_size_fn": size, **arguments})


def test_updates_that_are_refused() -> None:
    one = Throughput(window_size=2)
    with pytest.raises(ConfigurationError, match="samples=1"):
        one.update(time=1, batches=2, samples=1)
    with pytest.raises(ConfigurationError, match="lengths=1"):
        one.update(time=1, batches=1, samples=2, lengths=1)
    one.update(time=1, batches=1, samples=2)
    with pytest.raises(ConfigurationError, match="in every update"):
        one.update(time=2, batches=2, samples=4, lengths=4)
    with pytest.raises(ConfigurationError, match="time=1"):
        one.update(time=1, batches=2, samples=4)
    with pytest.raises(ArgumentTypeError):
        Throughput(separator=None)  # type: ignore[arg-type]
