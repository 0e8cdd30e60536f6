from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_accelerator_cpu import CPUAccelerator

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("devices", "count"),
    [
        (1, 1),
        (3, 3),
        ("auto", 1),
        (" auto ", 1),
        (-1, 1),
        ("-1", 1),
        ("2", 2),
        (" 3 ", 3),
        ([0], 1),
        ((0, 1), 2),
        ("0,", 1),
        ("0,1", 2),
    ],
)
def test_devices_count_processes(devices: Any, count: int) -> None:
    accelerator = CPUAccelerator()
    indices = accelerator.parse_devices(devices)
    assert indices == list(range(count))
    assert accelerator.get_parallel_devices(indices) == [CPU] * count


@pytest.mark.parametrize(
    "devices",
    [0, -2, "0", "-2", "", "x", "1.5", "--2", ",", "1,", "0,x", [], [1], [1, 0], [0, 0], [-1], "0,2"],
)
def test_what_is_no_count_is_refused(devices: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"devices=.* is not possible: allowed is a positive number"):
        CPUAccelerator().parse_devices(devices)


@pytest.mark.parametrize("devices", [True, False, 1.0, -1.0, None, {}, [True], ["0"], [0.0]])
def test_another_type_is_a_type_error_as_well(devices: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="positive number") as caught:
        CPUAccelerator().parse_devices(devices)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("devices", "remedy"), [([1, 3], "devices=2"), ("0,2", "devices=2"), (0, "devices=1")]
)
def test_the_error_says_what_to_write(devices: Any, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=remedy):
        CPUAccelerator().parse_devices(devices)


def test_it_is_always_there_and_comes_last() -> None:
    assert CPUAccelerator.is_available()
    assert CPUAccelerator.priority == 0
    assert CPUAccelerator.auto_device_count() == 1


def test_only_the_cpu_can_be_set_up() -> None:
    CPUAccelerator().setup_device(CPU)
    with pytest.raises(ConfigurationError, match="cuda:1"):
        CPUAccelerator().setup_device(torch.device("cuda", 1))


def test_statistics_come_from_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("psutil")
    vars(fake).update(
        cpu_percent=lambda: 12.5,
        virtual_memory=lambda: SimpleNamespace(percent=40),
        swap_memory=lambda: SimpleNamespace(percent=0.0),
    )
    monkeypatch.setitem(sys.modules, "psutil", fake)
    stats = CPUAccelerator().get_device_stats(CPU)
    assert stats == {"cpu_percent": 12.5, "cpu_vm_percent": 40.0, "cpu_swap_percent": 0.0}
    assert all(type(value) is float for value in stats.values())


def test_statistics_without_psutil_name_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'leyden-accelerator-cpu\[stats\]'"):
        CPUAccelerator().get_device_stats(CPU)


def test_statistics_of_the_real_psutil() -> None:
    pytest.importorskip("psutil")
    stats = CPUAccelerator().get_device_stats(CPU)
    assert set(stats) == {"cpu_percent", "cpu_vm_percent", "cpu_swap_percent"}
    assert 0 < stats["cpu_vm_percent"] <= 100


def test_nothing_of_the_cpu_needs_a_random_state() -> None:
    accelerator = CPUAccelerator()
    assert accelerator.get_rng_state() == {}
    before = torch.get_rng_state()
    accelerator.set_rng_state({})
    accelerator.teardown()
    assert torch.equal(torch.get_rng_state(), before)
