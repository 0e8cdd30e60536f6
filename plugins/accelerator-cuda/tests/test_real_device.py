"""On a real GPU."""

from __future__ import annotations

import pytest
import torch

from leyden.errors import ConfigurationError
from leyden_accelerator_cuda import CUDAAccelerator

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def device() -> torch.device:
    accelerator = CUDAAccelerator()
    (device,) = accelerator.get_parallel_devices(accelerator.parse_devices(1))
    accelerator.setup_device(device)
    return device


def test_the_machine_is_seen(device: torch.device) -> None:
    count = torch.cuda.device_count()
    assert CUDAAccelerator.is_available()
    assert CUDAAccelerator().parse_devices("auto") == list(range(count))
    with pytest.raises(ConfigurationError, match="CUDA devices of this machine: 0"):
        CUDAAccelerator().parse_devices(count + 1)


def test_the_device_is_current(device: torch.device) -> None:
    assert torch.empty(1, device="cuda").device == device


def test_random_numbers_repeat_after_the_state_was_set(device: torch.device) -> None:
    accelerator = CUDAAccelerator()
    torch.rand(3, device=device)
    state = accelerator.get_rng_state()
    assert len(state["cuda"]) == torch.cuda.device_count()
    first = torch.rand(100, device=device)
    accelerator.set_rng_state(state)
    assert torch.equal(torch.rand(100, device=device), first)


def test_a_state_that_was_loaded_to_the_gpu_is_taken(device: torch.device) -> None:
    accelerator = CUDAAccelerator()
    torch.rand(3, device=device)
    moved = {"cuda": [state.to(device) for state in accelerator.get_rng_state()["cuda"]]}
    first = torch.rand(100, device=device)
    accelerator.set_rng_state(moved)
    assert torch.equal(torch.rand(100, device=device), first)


def test_statistics_grow_with_what_is_allocated(device: torch.device) -> None:
    accelerator, key = CUDAAccelerator(), "allocated_bytes.all.current"
    before = accelerator.get_device_stats(device).get(key, 0)
    held = torch.empty(1 << 20, device=device)
    assert accelerator.get_device_stats(device)[key] >= before + held.nbytes


def test_teardown_returns_cached_memory(device: torch.device) -> None:
    held = torch.empty(1 << 24, device=device)
    assert held.nbytes <= torch.cuda.memory_reserved(device)
    reserved = torch.cuda.memory_reserved(device)
    del held
    CUDAAccelerator().teardown()
    assert torch.cuda.memory_reserved(device) < reserved
