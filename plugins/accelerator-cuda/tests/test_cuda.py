"""With a fake of the device layer: the functions of ``torch.cuda`` that ask or change the driver."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden.api.warn import LeydenWarning
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_accelerator_cuda import CUDAAccelerator


class Machine:
    """Some GPUs, as the driver would show them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.initialized = True
        self.current: torch.device | None = None
        self.emptied = 0
        self.states = [torch.full((16,), index, dtype=torch.uint8) for index in range(count)]

    def plug_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: self.count)
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: self.initialized)
        monkeypatch.setattr(torch.cuda, "set_device", self.set_device)
        monkeypatch.setattr(torch.cuda, "empty_cache", self.empty_cache)
        monkeypatch.setattr(torch.cuda, "memory_stats", self.memory_stats)
        monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: [one.clone() for one in self.states])
        monkeypatch.setattr(torch.cuda, "set_rng_state", self.set_rng_state)

    def set_device(self, device: torch.device) -> None:
        self.current = device

    def empty_cache(self) -> None:
        self.emptied += 1

    def memory_stats(self, device: torch.device) -> dict[str, Any]:
        return {"allocated_bytes.all.current": device.index}

    def set_rng_state(self, state: torch.Tensor, device: int) -> None:
        self.states[device] = state


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    four = Machine(4)
    four.plug_in(monkeypatch)
    return four


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Machine:
    none = Machine(0)
    none.initialized = False
    none.plug_in(monkeypatch)
    return none


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (1, [0]),
        (4, [0, 1, 2, 3]),
        (-1, [0, 1, 2, 3]),
        ("-1", [0, 1, 2, 3]),
        ("auto", [0, 1, 2, 3]),
        ("2", [0, 1]),
        ("0,2", [0, 2]),
        (" 1, 2 ", [1, 2]),
        ("1,", [1]),
        ([3, 1], [3, 1]),
        ((0, 2), [0, 2]),
    ],
)
def test_every_form_of_devices(machine: Machine, devices: Any, expected: list[int]) -> None:
    assert CUDAAccelerator().parse_devices(devices) == expected


@pytest.mark.parametrize("devices", [0, "0", [], "", ",", "x", "1,x", "1.5", "[0,1]"])
def test_what_means_no_device_is_refused(machine: Machine, devices: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not possible: allowed is 'auto' or -1"):
        CUDAAccelerator().parse_devices(devices)


@pytest.mark.parametrize("devices", [5, "5", [4], "0,4", -2, [-1], "-1,", [0, 0], "1,1"])
def test_what_the_machine_has_not_is_refused_and_it_says_what_it_has(machine: Machine, devices: Any) -> None:
    with pytest.raises(ConfigurationError, match="CUDA devices of this machine: 0, 1, 2, 3") as caught:
        CUDAAccelerator().parse_devices(devices)
    assert f"devices={devices!r}" in str(caught.value)


@pytest.mark.parametrize("devices", [True, None, 1.5, [True], ["0"], [0.0], {"0"}])
def test_another_type_is_a_type_error_as_well(machine: Machine, devices: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="devices="):
        CUDAAccelerator().parse_devices(devices)


@pytest.mark.parametrize("devices", [1, -1, "auto", [0]])
def test_without_a_device_the_error_says_why(
    bare: Machine, monkeypatch: pytest.MonkeyPatch, devices: Any
) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(ConfigurationError, match=r"machine: none\. .* built without CUDA"):
        CUDAAccelerator().parse_devices(devices)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(ConfigurationError, match="CUDA_VISIBLE_DEVICES"):
        CUDAAccelerator().parse_devices(devices)


def test_availability_is_what_the_driver_shows(machine: Machine) -> None:
    assert CUDAAccelerator.is_available()
    assert CUDAAccelerator.auto_device_count() == 4
    machine.count = 0
    assert not CUDAAccelerator.is_available()


def test_it_goes_before_the_cpu() -> None:
    assert CUDAAccelerator.priority > 0


def test_devices_are_made_current(machine: Machine) -> None:
    accelerator = CUDAAccelerator()
    devices = accelerator.get_parallel_devices([3, 1])
    assert devices == [torch.device("cuda", 3), torch.device("cuda", 1)]
    accelerator.setup_device(devices[0])
    assert machine.current == devices[0]
    with pytest.raises(ConfigurationError, match="device='cpu'"):
        accelerator.setup_device(torch.device("cpu"))


def test_statistics_are_those_of_the_device(machine: Machine) -> None:
    stats = CUDAAccelerator().get_device_stats(torch.device("cuda", 2))
    assert stats == {"allocated_bytes.all.current": 2}


def test_the_cache_is_emptied_only_where_it_can_hold_something(machine: Machine) -> None:
    CUDAAccelerator().teardown()
    assert machine.emptied == 1
    machine.initialized = False
    CUDAAccelerator().teardown()
    assert machine.emptied == 1


def test_random_states_of_all_devices_go_round(machine: Machine) -> None:
    accelerator = CUDAAccelerator()
    before = accelerator.get_rng_state()
    machine.states = [torch.zeros(16, dtype=torch.uint8) for _ in range(4)]
    accelerator.set_rng_state(before)
    assert [int(state[0]) for state in machine.states] == [0, 1, 2, 3]


def test_a_process_that_never_used_cuda_has_no_state(bare: Machine) -> None:
    accelerator = CUDAAccelerator()
    assert accelerator.get_rng_state() == {}
    accelerator.set_rng_state({})


def test_a_state_of_more_devices_is_applied_as_far_as_it_goes(machine: Machine) -> None:
    accelerator = CUDAAccelerator()
    saved = {"cuda": [torch.full((16,), 9, dtype=torch.uint8) for _ in range(4)]}
    machine.count = 2
    with pytest.warns(LeydenWarning, match=r"^\[cuda-rng-state\] .* 4 CUDA devices and this process sees 2"):
        accelerator.set_rng_state(saved)
    assert [int(state[0]) for state in machine.states] == [9, 9, 2, 3]
