"""Which accelerator a Trainer takes, with fakes of what the machine has."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden import Trainer
from leyden.errors import ConfigurationError, PluginNotFoundError
from leyden_accelerator_cpu import CPUAccelerator
from leyden_accelerator_cuda import CUDAAccelerator
from leyden_accelerator_mps import MPSAccelerator
from leyden_accelerator_xla import XLAAccelerator

OFFICIAL = {"tpu": XLAAccelerator, "mps": MPSAccelerator, "cuda": CUDAAccelerator, "cpu": CPUAccelerator}
NAMES = list(OFFICIAL)


def quiet(**keywords: Any) -> Trainer:
    off = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return Trainer(**{**off, **keywords})


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says which hardware there is."""

    def has(*names: str) -> None:
        for name in ("tpu", "mps", "cuda"):
            there = name in names
            monkeypatch.setattr(OFFICIAL[name], "is_available", staticmethod(lambda there=there: there))
            monkeypatch.setattr(
                OFFICIAL[name], "auto_device_count", staticmethod(lambda there=there: int(there))
            )
        monkeypatch.setattr(torch.cuda, "device_count", lambda: int("cuda" in names))

    return has


@pytest.mark.parametrize("first", range(len(NAMES)))
def test_auto_takes_tpu_then_mps_then_cuda_then_cpu(machine: Any, first: int) -> None:
    """The order of PyTorch Lightning."""
    from leyden.api.component_choice import _best_accelerator

    machine(*NAMES[first:])
    assert _best_accelerator().name == NAMES[first]


@pytest.mark.parametrize(
    ("there", "taken"), [(("mps",), "mps"), (("cuda",), "cuda"), (("mps", "cuda"), "mps")]
)
def test_gpu_is_a_mac_s_or_cuda_s(machine: Any, there: tuple[str, ...], taken: str) -> None:
    machine(*there)
    assert quiet(accelerator="gpu").accelerator.name == taken


def test_gpu_without_one_says_why_for_each(machine: Any) -> None:
    machine()
    with pytest.raises(
        ConfigurationError,
        match=r"accelerator='gpu' .*MPSAccelerator finds no device and CUDAAccelerator finds no device\. "
        r".*Apple silicon.*CUDA.*Available: 'cpu'\. Use accelerator='auto'",
    ):
        quiet(accelerator="gpu")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cuda", "CUDA"),
        ("mps", "Mac with Apple silicon"),
        ("tpu", "pip install torch_xla"),
        ("xla", "torch_xla"),
    ],
)
def test_absent_hardware_is_refused_when_the_trainer_is_made(machine: Any, name: str, words: str) -> None:
    machine()
    with pytest.raises(
        ConfigurationError, match=rf"accelerator='{name}' is not possible on this machine.*{words}"
    ):
        quiet(accelerator=name)


def test_a_name_that_nobody_offers_names_the_nearest() -> None:
    with pytest.raises(
        PluginNotFoundError, match=r"accelerator 'cdua' is not installed.*Did you mean 'cuda'"
    ):
        quiet(accelerator="cdua")


def test_a_mac_runs_in_one_process(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine("mps")
    trainer = quiet(accelerator="mps")
    assert type(trainer.strategy).__name__ == "SingleDeviceStrategy"
    assert trainer.strategy.root_device == torch.device("mps", 0)
    with pytest.raises(ConfigurationError, match=r"strategy.*MPS"):
        quiet(accelerator="mps", strategy="ddp")
    with pytest.raises(ConfigurationError, match="precision='64-true'.*MPS has no float64"):
        quiet(accelerator="mps", precision="64-true")
