from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import leyden
from leyden.errors import ConfigurationError, ExportMismatchError
from leyden_exporter_torchscript import TorchScriptExporter

LOADS = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


class Net(leyden.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = True
        self.example_input_array = None
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Branching(nn.Module):
    """Does something else with large inputs, which tracing does not see."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] > 4:
            return x + 1
        return x


@LOADS
@pytest.mark.parametrize("method", ["script", "trace"])
def test_to_torchscript_returns_and_writes_it(method: str, tmp_path: Path) -> None:
    net, x = Net(), torch.randn(5, 4)
    made = net.to_torchscript(tmp_path / "net.pt", method=method, example_inputs=torch.randn(3, 4))
    assert isinstance(made, torch.jit.ScriptModule) and not made.training and net.training
    wanted = net.eval()(x)
    for one in (made, torch.jit.load(tmp_path / "net.pt")):
        assert torch.equal(one(x), wanted)
    told = json.loads((tmp_path / "net.pt.json").read_text())
    assert told["max_error"] == 0 and told["batch_sizes"] == [3, 4, 1]


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(Net().to_torchscript(), torch.jit.ScriptModule)
    held = io.BytesIO()
    TorchScriptExporter().convert(Net(), held)
    assert held.getvalue().startswith(b"PK")
    assert list(tmp_path.iterdir()) == []


def test_a_remote_target_is_written_after_it_was_verified() -> None:
    fsspec = pytest.importorskip("fsspec")
    paths = TorchScriptExporter().export(Net(), "memory://models/net.pt", torch.randn(2, 4))
    assert paths == ("memory://models/net.pt", "memory://models/net.pt.json")
    with fsspec.open(paths[0], "rb") as file:
        assert file.read(2) == b"PK"


def test_scripting_without_a_sample_compares_weights(tmp_path: Path) -> None:
    _, report = TorchScriptExporter().export(Net(), tmp_path / "net.pt")
    assert json.loads(Path(report).read_text())["checked"] == "weights"


def test_tracing_what_branches_is_an_error(tmp_path: Path) -> None:
    exporter, x = TorchScriptExporter(), torch.randn(4, 2)
    with pytest.raises(ExportMismatchError, match="differs from the module by 1 on a batch of 5"):
        exporter.export(Branching(), tmp_path / "net.pt", x, method="trace")
    assert list(tmp_path.iterdir()) == []
    assert exporter.export(Branching(), tmp_path / "net.pt", x, method="script")


def test_tracing_with_keyword_arguments_and_checks(tmp_path: Path) -> None:
    class Two(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return a - b

    exporter = TorchScriptExporter()
    x, y = torch.randn(2, 2), torch.randn(2, 2)
    assert exporter.export(Two(), tmp_path / "a.pt", {"b": y, "a": x}, method="trace")
    assert exporter.export(Two(), tmp_path / "b.pt", (x, y), method="trace", check_inputs=[(y, x)])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("method", ["script", "trace"])
def test_against_lightning(method: str, tmp_path: Path) -> None:
    lightning = pytest.importorskip("pytorch_lightning")

    class Theirs(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x).relu()

    class Ours(leyden.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x).relu()

    theirs, ours = Theirs(), Ours()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 4)
    made = [net.to_torchscript(method=method, example_inputs=x) for net in (theirs, ours)]
    assert torch.equal(made[0](x), made[1](x))
    assert [one.training for one in made] == [False, False]
    assert list(made[0].state_dict()) == list(made[1].state_dict())
    assert len(list(made[0].graph.nodes())) == len(list(made[1].graph.nodes()))


def test_in_the_middle_of_a_run_with_warnings_as_errors(tmp_path: Path) -> None:
    program = """
import torch, leyden
from leyden.testing import TinyModule, TinyData

class Exports(leyden.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        pl_module.to_torchscript("script.pt")
        pl_module.to_torchscript("trace.pt", "trace", torch.ones(2, 4))

    def on_validation_end(self, trainer, pl_module):
        trainer.export("hook.pt", "torchscript", torch.ones(2, 4))

trainer = leyden.Trainer(max_epochs=1, logger=False, enable_progress_bar=False, enable_model_summary=False,
    enable_checkpointing=False, callbacks=[Exports()])
trainer.fit(TinyModule(), TinyData())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"script.pt", "trace.pt", "hook.pt"} <= {one.name for one in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("options", "name"),
    [({"method": "tracing"}, "method"), ({"check_trace": False}, "check_trace"), ({"n": 1}, "'n'")],
)
def test_options_are_checked(options: dict[str, Any], name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        TorchScriptExporter().export(Net(), tmp_path / "net.pt", **options)


def test_tracing_needs_a_sample(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="example_input_array"):
        Net().to_torchscript(method="trace")


class Deciding(nn.Module):
    """Does something else with negative inputs, for any size of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else 2 * x


class Asking(nn.Module):
    """Looks at a tensor's values and does the same either way."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1 if x.sum() > 0 else 1 + x


@pytest.mark.parametrize("sample", [torch.ones(3, 2), torch.zeros(3, 2), -torch.ones(3, 2)])
def test_tracing_what_decides_by_values_is_an_error(sample: Tensor, tmp_path: Path) -> None:
    with pytest.raises(ExportMismatchError, match=r"other values.*test_exporter\.py, line") as caught:
        TorchScriptExporter().export(Deciding(), tmp_path / "net.pt", sample, method="trace")
    assert "tracer warned" in caught.value.__notes__[0]
    assert list(tmp_path.iterdir()) == []
    assert TorchScriptExporter().export(Deciding(), tmp_path / "net.pt", sample, method="script")


def test_the_tracers_warning_is_passed_on_where_nothing_differs(tmp_path: Path) -> None:
    with pytest.warns(torch.jit.TracerWarning, match="Python boolean"):
        TorchScriptExporter().export(Asking(), tmp_path / "net.pt", torch.ones(3, 2), method="trace")
