"""With a fake of torch_xla: the few functions that the accelerator calls. None of it says that a TPU works."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest
import torch

from leyden import Trainer
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_accelerator_xla import XLAAccelerator
from leyden_accelerator_xla.engine import engine


class Machine:
    """A machine with chips, and torch_xla for it."""

    def __init__(self, chips: int) -> None:
        self.chips, self.seed = chips, 5
        self.metadata: Exception | None = None

    def plug_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parts: dict[str, dict[str, Any]] = {
            "torch_xla": {},
            "torch_xla._internal": {},
            "torch_xla._internal.tpu": {
                "num_available_chips": lambda: self.chips,
                "num_available_devices": self.devices,
            },
            "torch_xla.core": {},
            "torch_xla.core.xla_model": {
                "get_rng_state": lambda: self.seed,
                "set_rng_state": self.set_seed,
                "get_memory_info": lambda device: {"bytes_used": 3, "bytes_limit": 8, "peak_bytes_used": 4},
            },
        }
        for name, functions in parts.items():
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)
            vars(module).update(functions)
            monkeypatch.setitem(sys.modules, name, module)

    def devices(self) -> int:
        if self.metadata is not None:
            raise self.metadata
        return self.chips

    def set_seed(self, seed: int) -> None:
        self.seed = seed


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    four = Machine(4)
    four.plug_in(monkeypatch)
    monkeypatch.delenv("PJRT_DEVICE", raising=False)
    return four


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (1, [0]),
        ("1", [0]),
        (4, [0, 1, 2, 3]),
        ("auto", [0, 1, 2, 3]),
        (-1, [0, 1, 2, 3]),
        ([2], [2]),
        ("2,", [2]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
def test_one_device_or_all(machine: Machine, devices: Any, expected: list[int]) -> None:
    accelerator = XLAAccelerator()
    assert accelerator.parse_devices(devices) == expected
    assert accelerator.get_parallel_devices(expected) == [torch.device("xla", one) for one in expected]


@pytest.mark.parametrize("devices", [2, "3", [0, 1], "0,3"])
def test_a_part_of_them_is_refused(machine: Machine, devices: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"one device or all 4 of this machine.*devices='auto'"):
        XLAAccelerator().parse_devices(devices)


@pytest.mark.parametrize("devices", [5, [4], 0, [], "x", -2])
def test_what_is_not_there_is_refused(machine: Machine, devices: Any) -> None:
    with pytest.raises(ConfigurationError, match="devices="):
        XLAAccelerator().parse_devices(devices)
    with pytest.raises(ArgumentTypeError, match="devices="):
        XLAAccelerator().parse_devices(None)


def test_chips_are_counted_without_starting_the_runtime(machine: Machine) -> None:
    assert XLAAccelerator.is_available()
    assert XLAAccelerator.auto_device_count() == 4
    machine.metadata = OSError("no metadata server")
    assert not XLAAccelerator.is_available()
    machine.chips, machine.metadata = 0, RuntimeError("not asked for")
    assert not XLAAccelerator.is_available()
    assert "no TPU on this machine's PCI bus" in XLAAccelerator.absence()


def test_xla_on_the_cpu_is_one_device(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.chips = 0
    monkeypatch.setenv("PJRT_DEVICE", "CPU")
    assert XLAAccelerator().parse_devices("auto") == [0]


def test_without_torch_xla_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leyden_accelerator_xla.engine.find_spec", lambda name: None)
    assert not XLAAccelerator.is_available()
    with pytest.raises(
        ConfigurationError, match=r"accelerator='tpu' .*pip install torch_xla.*torch_xla\[tpu\]"
    ):
        Trainer(accelerator="tpu", logger=False)
    with pytest.raises(ConfigurationError, match=r"need torch_xla.*pip install"):
        engine()


def test_a_torch_xla_of_another_torch_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ImportError("undefined symbol: of another torch")

    monkeypatch.setattr("leyden_accelerator_xla.engine.import_module", broken)
    assert not XLAAccelerator.is_available()
    with pytest.raises(
        ConfigurationError, match=rf"torch {torch.__version__.split('+')[0]}.*undefined symbol"
    ):
        Trainer(accelerator="tpu", logger=False)


def test_figures_and_seed_are_the_runtime_s(machine: Machine) -> None:
    accelerator = XLAAccelerator()
    assert accelerator.get_device_stats(torch.device("xla", 0)) == {"xla.bytes_used": 3, "xla.bytes_limit": 8}
    saved = accelerator.get_rng_state()
    machine.seed = 9
    accelerator.set_rng_state(saved)
    assert (saved, machine.seed) == ({"xla": 5}, 5)
    accelerator.set_rng_state({"cuda": []})
    assert machine.seed == 5


def test_strategies_for_xla_are_taken_by_themselves() -> None:
    assert XLAAccelerator.auto_strategy(1) == "single_xla"
    assert XLAAccelerator.auto_strategy(4) == "xla"


@pytest.mark.tpu
@pytest.mark.skipif(not XLAAccelerator.is_available(), reason="needs a TPU and torch_xla")
def test_a_real_device_is_seen() -> None:
    accelerator = XLAAccelerator()
    assert accelerator.parse_devices("auto") == list(range(accelerator.auto_device_count()))
    assert accelerator.get_device_stats(engine().device())["xla.bytes_limit"] > 0
