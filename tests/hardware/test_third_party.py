"""Hardware that a third party adds: one distribution, and no change anywhere else.

Its "NPU" computes on the CPU; what is tested is how it is found, chosen and used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from leyden import Trainer
from leyden.errors import ConfigurationError, PluginConflictError, PluginNotFoundError
from leyden.plugins.catalogue import catalogue
from leyden.testing import AcceleratorContract, FakeDists, Runner, TinyModule

SOURCE = '''
from __future__ import annotations

import os

import torch

from leyden.interfaces import Accelerator, Precision, device_indices
from leyden_strategy_single_device import SingleDeviceStrategy


class NPU(Accelerator):
    """Two devices, unless ACME_NPUS says otherwise."""

    name = "npu"
    priority = 60

    @staticmethod
    def is_available():
        return NPU.auto_device_count() > 0

    @staticmethod
    def auto_device_count():
        return int(os.environ.get("ACME_NPUS", "2"))

    @staticmethod
    def absence():
        return "Acme's driver is missing: install acme-npu-driver."

    @staticmethod
    def auto_strategy(processes):
        return "single_npu" if processes == 1 else None

    def parse_devices(self, devices):
        return device_indices(devices, self.auto_device_count(), "NPU", absence=self.absence())

    def get_parallel_devices(self, indices):
        return [torch.device("cpu", index) for index in indices]

    def get_device_stats(self, device):
        return {"npu.bytes": 1}


class SingleNPU(SingleDeviceStrategy):
    """The strategy of the hardware."""


class NPU4(Precision):
    """A number format of the hardware."""
'''
DIST = "acme-npu"


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDists]:
    """``pip install acme-npu``."""
    monkeypatch.delenv("ACME_NPUS", raising=False)
    with FakeDists(tmp_path / "acme") as fake_dist:
        made = fake_dist(
            DIST,
            {
                "leyden.accelerators": {"npu": "acme_npu:NPU", "gpu": "acme_npu:NPU"},
                "leyden.strategies": {"single_npu": "acme_npu:SingleNPU"},
                "leyden.precisions": {"npu4": "acme_npu:NPU4"},
            },
            {"acme_npu": SOURCE},
            requires=["leyden-kernel~=0.1.0", "leyden-strategy-single-device~=0.1.0"],
        )
        monkeypatch.setenv("PYTHONPATH", str(made.folder))
        yield fake_dist


def quiet(**keywords: object) -> Trainer:
    off = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return Trainer(**{**off, **keywords})  # type: ignore[arg-type]


class TestContract(AcceleratorContract):
    entry_point = "npu"


def test_a_run_takes_it_by_itself_with_its_strategy(leyden_run: Runner) -> None:
    trainer = quiet(devices=1, max_epochs=1)
    assert (trainer.accelerator.name, type(trainer.strategy).__name__) == ("npu", "SingleNPU")
    module = TinyModule()
    before = module.layer.weight.detach().clone()
    outcome = leyden_run(
        "fit", "test", module=module, allowed=None, accelerator="npu", strategy="auto", devices=1
    ).ok()
    assert not torch.equal(module.layer.weight, before)
    assert outcome.trainer.strategy.root_device == torch.device("cpu", 0)


def test_gpu_means_the_best_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert quiet(accelerator="gpu", devices=[1]).accelerator.name == "npu"
    monkeypatch.setenv("ACME_NPUS", "0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert quiet(accelerator="gpu").accelerator.name == "cuda"


def test_asked_for_and_absent_it_says_what_is_here_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_NPUS", "0")
    with pytest.raises(
        ConfigurationError, match=r"accelerator='npu' .*install acme-npu-driver\. Available: .*'cpu'"
    ):
        quiet(accelerator="npu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigurationError, match=r"accelerator='gpu' .*acme-npu-driver.*Mac.*CUDA"):
        quiet(accelerator="gpu")


def test_its_precision_goes_with_other_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    assert quiet(accelerator="cpu", precision="npu4").precision == "npu4"


def test_uninstalled_it_is_gone(acme: FakeDists) -> None:
    acme._made[0].uninstall()
    assert not catalogue().named("leyden.accelerators", "npu")
    with pytest.raises(PluginNotFoundError, match="accelerator 'npu' is not installed"):
        quiet(accelerator="npu")


def test_two_that_claim_one_name_of_their_own_are_a_conflict(acme: FakeDists) -> None:
    acme("other-npu", {"leyden.accelerators": {"npu": "other_npu:NPU"}}, {"other_npu": SOURCE})
    with pytest.raises(PluginConflictError, match=r"acme-npu.*other-npu|other-npu.*acme-npu"):
        quiet(accelerator="npu")
    assert quiet(accelerator="acme-npu:npu", devices=1).accelerator.name == "npu"
