"""With a fake of the device layer: the functions of torch that ask or change the driver."""

from __future__ import annotations

import platform
from typing import Any

import pytest
import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_accelerator_mps import MPSAccelerator

MPS = torch.device("mps", 0)


class Mac:
    """A Mac, as torch would show it."""

    def __init__(self) -> None:
        self.available, self.built, self.emptied = True, True, 0
        self.state = torch.full((16,), 7, dtype=torch.uint8)

    def plug_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "system", lambda: "Darwin")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: self.available)
        monkeypatch.setattr(torch.backends.mps, "is_built", lambda: self.built)
        monkeypatch.setattr(torch.mps, "empty_cache", self.empty_cache)
        monkeypatch.setattr(torch.mps, "get_rng_state", lambda: self.state.clone())
        monkeypatch.setattr(torch.mps, "set_rng_state", self.set_rng_state)
        monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 1)
        monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 2)
        monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 3)

    def empty_cache(self) -> None:
        self.emptied += 1

    def set_rng_state(self, state: torch.Tensor) -> None:
        self.state = state


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Mac:
    one = Mac()
    one.plug_in(monkeypatch)
    return one


@pytest.mark.parametrize("devices", [1, "1", -1, "-1", "auto", [0], (0,), "0,"])
def test_every_form_means_the_one_device(mac: Mac, devices: Any) -> None:
    accelerator = MPSAccelerator()
    assert accelerator.parse_devices(devices) == [0]
    assert accelerator.get_parallel_devices([0]) == [MPS]


@pytest.mark.parametrize("devices", [2, "2", [1], "1,", [0, 1], "0,1"])
def test_a_mac_has_one(mac: Mac, devices: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"MPS devices of this machine: 0\. A Mac has one: .*devices=1"
    ):
        MPSAccelerator().parse_devices(devices)


@pytest.mark.parametrize("devices", [0, "0", [], "x", -2, [0, 0]])
def test_what_means_nothing_is_refused(mac: Mac, devices: Any) -> None:
    with pytest.raises(ConfigurationError, match="devices="):
        MPSAccelerator().parse_devices(devices)


@pytest.mark.parametrize("devices", [None, 1.0, True, {}])
def test_another_type_is_a_type_error_as_well(mac: Mac, devices: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="devices="):
        MPSAccelerator().parse_devices(devices)


def test_without_one_the_error_says_why(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    mac.available = False
    for built, system, words in (
        (True, "Linux", "needs a Mac with Apple silicon, and this machine runs Linux"),
        (False, "Darwin", "built without MPS: install torch"),
        (True, "Darwin", "macOS 14"),
    ):
        mac.built = built
        monkeypatch.setattr(platform, "system", lambda system=system: system)
        assert words in MPSAccelerator.absence()
        with pytest.raises(ConfigurationError, match="accelerator='cpu'"):
            MPSAccelerator().parse_devices("auto")
    assert (MPSAccelerator.is_available(), MPSAccelerator.auto_device_count()) == (False, 0)


def test_only_the_mac_s_device_can_be_set_up(mac: Mac) -> None:
    MPSAccelerator().setup_device(MPS)
    with pytest.raises(ConfigurationError, match="device='cpu'"):
        MPSAccelerator().setup_device(torch.device("cpu"))


def test_statistics_are_bytes(mac: Mac) -> None:
    stats = MPSAccelerator().get_device_stats(MPS)
    assert list(stats.values()) == [1, 2, 3]
    assert all(name.startswith("mps.") and name.endswith("_bytes") for name in stats)


def test_the_cache_is_emptied_only_where_there_is_one(mac: Mac) -> None:
    MPSAccelerator().teardown()
    mac.available = False
    MPSAccelerator().teardown()
    assert mac.emptied == 1


def test_the_random_state_goes_round(mac: Mac) -> None:
    accelerator = MPSAccelerator()
    saved = accelerator.get_rng_state()
    mac.state = torch.zeros(16, dtype=torch.uint8)
    accelerator.set_rng_state(saved)
    assert mac.state.tolist() == [7] * 16


def test_a_state_of_other_hardware_changes_nothing(mac: Mac) -> None:
    MPSAccelerator().set_rng_state({"cuda": [torch.zeros(16, dtype=torch.uint8)]})
    assert mac.state.tolist() == [7] * 16
    mac.available = False
    assert MPSAccelerator().get_rng_state() == {}


@pytest.mark.mps
@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="needs the GPU of a Mac")
def test_random_numbers_repeat_on_a_real_device() -> None:
    accelerator = MPSAccelerator()
    (device,) = accelerator.get_parallel_devices(accelerator.parse_devices("auto"))
    state = accelerator.get_rng_state()
    first = torch.rand(100, device=device)
    accelerator.set_rng_state(state)
    assert torch.equal(torch.rand(100, device=device), first)
    assert accelerator.get_device_stats(device)["mps.allocated_bytes"] > 0
