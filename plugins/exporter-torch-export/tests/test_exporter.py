from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import leyden
from leyden.errors import ConfigurationError, ExportMismatchError
from leyden_exporter_torch_export import TorchExportExporter


class Net(leyden.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return self(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Shifted:
    """A program whose outputs are wrong by 0.5."""

    def __init__(self, program: Any) -> None:
        self.program = program

    def module(self) -> Any:
        inner = self.program.module()
        return lambda x: inner(x) + 0.5


def test_the_file_predicts_batches_of_any_size(tmp_path: Path) -> None:
    net = Net()
    path, report = TorchExportExporter().export(net, tmp_path / "net", torch.randn(4, 4))
    program, x = torch.export.load(path).module(), torch.randn(7, 4)
    assert torch.allclose(program(x), net.eval()(x), atol=1e-6)
    assert path.endswith("net.pt2")
    assert json.loads(Path(report).read_text())["max_error"] <= 1e-5


def test_a_fixed_batch_takes_no_other(tmp_path: Path) -> None:
    path, _ = TorchExportExporter().export(
        Net(), tmp_path / "net.pt2", torch.randn(4, 4), dynamic_batch=False
    )
    with pytest.raises((RuntimeError, AssertionError)):
        torch.export.load(path).module()(torch.randn(3, 4))


def test_modes_and_random_numbers_are_as_before(tmp_path: Path) -> None:
    net = Net()
    net.layers[1].eval()
    before, state = [one.training for one in net.modules()], torch.get_rng_state()
    TorchExportExporter().export(net, tmp_path / "net.pt2", torch.randn(4, 4, generator=torch.Generator()))
    assert [one.training for one in net.modules()] == before
    assert torch.equal(torch.get_rng_state(), state)


def test_a_difference_is_an_error_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = torch.export.load
    monkeypatch.setattr("torch.export.load", lambda path: Shifted(load(path)))
    with pytest.raises(ExportMismatchError, match="of Net differs from the module by 0.5"):
        TorchExportExporter().export(Net(), tmp_path / "net.pt2", torch.randn(4, 4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"dynamic": True}, "dynamic"),
        ({"dynamic_batch": "no"}, "dynamic_batch"),
        ({"tolerance": -1}, "tolerance"),
    ],
)
def test_options_are_checked(options: dict[str, Any], name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        TorchExportExporter().export(Net(), tmp_path / "net.pt2", torch.randn(4, 4), **options)


def test_a_sample_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="example_input_array"):
        TorchExportExporter().export(Net(), tmp_path / "net.pt2")


def test_a_trainer_exports_what_it_has_trained(tmp_path: Path) -> None:
    net = Net()
    trainer = leyden.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(net, torch.utils.data.DataLoader(torch.randn(8, 4), batch_size=4))
    net.example_input_array = torch.randn(2, 4)
    path, _ = trainer.export(tmp_path / "net.pt2", "torch-export")
    x = torch.randn(5, 4)
    assert torch.allclose(torch.export.load(path).module()(x), net.eval()(x), atol=1e-6)


@pytest.mark.slow
def test_the_device_s_package_is_verified_too(tmp_path: Path) -> None:
    net = nn.Linear(4, 2)
    made = TorchExportExporter().convert(net, tmp_path / "net.pt2", torch.randn(4, 4), aot_inductor=True)
    assert [Path(one).name for one in made.paths] == ["net.pt2", "net.aoti.pt2", "net.pt2.json"]
    package, x = torch._inductor.aoti_load_package(made.paths[1]), torch.randn(5, 4)
    assert torch.allclose(package(x), net(x), atol=1e-6)
    assert json.loads(Path(made.paths[2]).read_text())["aot_inductor"]["device"] == "cpu"
