from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import leyden
from leyden.errors import ConfigurationError, ExportMismatchError, UserCodeError
from leyden_exporter_onnx import ONNXExporter

ENGINES = pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])


class Net(leyden.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Several(nn.Module):
    """Two inputs in one container, a keyword, an input that is not used, and a dict of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, pair: tuple[Tensor, Tensor], unused: Tensor, *, scale: Tensor) -> dict[str, Tensor]:
        y = self.layer(pair[0] + pair[1]) * scale
        return {"y": y, "sum": y.sum(dim=1)}


def run(path: Any, *arrays: Tensor) -> list[np.ndarray[Any, Any]]:
    session = onnxruntime.InferenceSession(path)
    names = [one.name for one in session.get_inputs()]
    return session.run(None, {name: one.numpy() for name, one in zip(names, arrays, strict=True)})


@ENGINES
def test_the_file_predicts_batches_of_any_size(dynamo: bool, tmp_path: Path) -> None:
    net = Net()
    path, report = ONNXExporter().export(net, tmp_path / "net.onnx", torch.randn(4, 4), dynamo=dynamo)
    x = torch.randn(7, 4)
    np.testing.assert_allclose(run(path, x)[0], net.eval()(x).detach(), atol=1e-5)
    told = json.loads(Path(report).read_text())
    assert told["max_error"] <= 1e-5
    assert told["batch_sizes"] == [4, 5, 1]
    assert told["files"] == ["net.onnx"]


@ENGINES
def test_several_inputs_and_outputs(dynamo: bool, tmp_path: Path) -> None:
    net, batch = Several(), (torch.randn(3, 3), torch.randn(3, 3))
    sample = {"pair": batch, "unused": torch.randn(3, 1), "scale": torch.tensor([2.0, 3.0])}
    (path, _) = ONNXExporter().export(net, tmp_path / "net.onnx", sample, dynamo=dynamo)
    names = [one.name for one in onnxruntime.InferenceSession(path).get_inputs()]
    assert {"pair_0", "pair_1", "scale"} <= set(names)


def test_keyword_arguments_beside_a_tuple(tmp_path: Path) -> None:
    pair, scale = (torch.randn(3, 3), torch.randn(3, 3)), torch.ones(2)
    unused = torch.randn(3, 1)
    exporter = ONNXExporter()
    assert exporter.export(Several(), tmp_path / "a.onnx", (pair, unused), kwargs={"scale": scale})
    assert exporter.export(Several(), tmp_path / "b.onnx", (pair, unused, {"scale": scale}))


@ENGINES
def test_weights_in_a_file_of_their_own(dynamo: bool, tmp_path: Path) -> None:
    net = Net()
    paths = ONNXExporter().export(
        net, tmp_path / "net.onnx", torch.randn(4, 4), dynamo=dynamo, external_data=True
    )
    assert [Path(one).name for one in paths] == ["net.onnx", "net.onnx.data", "net.onnx.json"]
    x = torch.randn(2, 4)
    np.testing.assert_allclose(run(paths[0], x)[0], net.eval()(x).detach(), atol=1e-5)


def test_shapes_that_vary_are_the_users_choice(tmp_path: Path) -> None:
    length = torch.export.Dim("length")
    net = nn.Conv1d(2, 3, 3)
    path, report = ONNXExporter().export(
        net, tmp_path / "net.onnx", torch.randn(1, 2, 8), dynamic_shapes={"input": {2: length}}
    )
    (found,) = onnxruntime.InferenceSession(path).get_inputs()
    assert found.shape == [1, 2, "length"]
    assert json.loads(Path(report).read_text())["batch_sizes"] == [1]
    assert run(path, torch.randn(1, 2, 20))[0].shape == (1, 3, 18)


def test_weights_that_are_not_in_the_file_are_fed(tmp_path: Path) -> None:
    path, _ = ONNXExporter().export(
        Net(), tmp_path / "net.onnx", torch.randn(4, 4), dynamo=False, export_params=False
    )
    assert len(onnx.load(path).graph.input) > 1


@pytest.mark.parametrize("dynamo", [{}, {"dynamo": True}, {"dynamo": False}], ids=["default", "new", "old"])
@pytest.mark.parametrize("target", ["file", "memory", "nothing"])
def test_to_onnx_takes_and_returns_what_lightnings_does(
    target: str, dynamo: dict[str, bool], tmp_path: Path
) -> None:
    net, x = Net(), torch.randn(3, 4)
    held = io.BytesIO()
    path = {"file": tmp_path / "net.onnx", "memory": held, "nothing": None}[target]
    program = net.to_onnx(path, x, **dynamo)
    assert (program is None) == (dynamo == {"dynamo": False})
    assert net.training
    with_data = target == "file" and program is not None
    names = {"net.onnx", "net.onnx.json", *(["net.onnx.data"] if with_data else [])}
    assert {one.name for one in tmp_path.iterdir()} == (names if target == "file" else set())
    if target != "nothing":
        found = run(str(path) if target == "file" else held.getvalue(), x)[0]
        np.testing.assert_allclose(found, net.eval()(x).detach(), atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("dynamo", [True, False])
def test_to_onnx_against_lightning(dynamo: bool, tmp_path: Path) -> None:
    lightning = pytest.importorskip("pytorch_lightning")

    class Theirs(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x)

    class Ours(leyden.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x)

    theirs, ours = Theirs().eval(), Ours()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 4)
    graphs = []
    for folder, net in (("a", theirs), ("b", ours)):
        path = tmp_path / folder / "net.onnx"
        path.parent.mkdir()
        net.to_onnx(path, x, dynamo=dynamo, input_names=["x"], output_names=["y"])
        graphs.append(onnx.load(path).graph)
    first, second = ([one.op_type for one in graph.node] for graph in graphs)
    assert first == second
    assert [one.name for one in graphs[0].initializer] == [one.name for one in graphs[1].initializer]
    dims = [[d.dim_value for d in graph.input[0].type.tensor_type.shape.dim] for graph in graphs]
    assert dims == [[3, 4], [3, 4]]


def test_a_sample_passes_the_transfer_hooks(tmp_path: Path) -> None:
    class Cut(Net):
        def on_before_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
            return batch[:, :4]

    assert Cut().to_onnx(tmp_path / "net.onnx", torch.randn(3, 9), dynamo=False) is None


class Baked(nn.Module):
    """Computes with a number that was true for the sample alone."""

    def forward(self, x: Tensor) -> Tensor:
        return x + float(np.asarray(x.detach().numpy()).shape[0] == 4)


@pytest.mark.filterwarnings(
    "ignore::torch.jit._trace.TracerWarning"
)  # what the tracer doubts is what differs
def test_a_difference_on_another_batch_is_an_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"
    target.write_text("as it was")
    with pytest.raises(ExportMismatchError, match="differs from the module by 1 on a batch of 5"):
        ONNXExporter().export(Baked(), target, torch.randn(4, 4), dynamo=False)
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx"]
    assert target.read_text() == "as it was"
    assert ONNXExporter().export(Baked(), target, torch.randn(4, 4), dynamo=False, dynamic_batch=False)


@ENGINES
def test_a_difference_on_the_sample_is_an_error(
    dynamo: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = onnxruntime.InferenceSession.run
    monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *args: [one + 1 for one in real(*args)])
    with pytest.raises(ExportMismatchError, match="differs from the module by 1 on a batch of 4"):
        ONNXExporter().export(Net(), tmp_path / "net.onnx", torch.randn(4, 4), dynamo=dynamo)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inference", [True, False])
def test_in_the_middle_of_a_run(inference: bool, tmp_path: Path) -> None:
    class Exports(leyden.Callback):
        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            pl_module.to_onnx(tmp_path / "hook.onnx", torch.ones(2, 4), dynamo=True)

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            trainer.export(tmp_path / "batch.onnx", "onnx", torch.ones(2, 4), dynamo=False)

    class Validated(Net):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            if self.training:
                self.log("mean", y.mean())
            return y

        def validation_step(self, batch: Tensor, batch_idx: int) -> None:
            self.log("v", self(batch).mean())

    def weights(callbacks: list[Any]) -> dict[str, Tensor]:
        leyden.seed_everything(3, verbose=False)
        net = Validated()
        trainer = leyden.Trainer(
            max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=callbacks, default_root_dir=tmp_path,
            inference_mode=inference, num_sanity_val_steps=0,
        )  # fmt: skip
        samples = torch.randn(8, 4)
        data = torch.utils.data.DataLoader(samples, batch_size=4, shuffle=True)
        trainer.fit(net, data, torch.utils.data.DataLoader(samples, batch_size=4))
        return {**net.state_dict(), "logged": trainer.callback_metrics["v"]}

    plain, exported = weights([]), weights([Exports()])
    assert all(torch.equal(plain[name], exported[name]) for name in plain)
    assert (tmp_path / "hook.onnx").exists() and (tmp_path / "batch.onnx").exists()


def test_warnings_as_errors_and_a_restored_module(tmp_path: Path) -> None:
    program = """
import torch, leyden
from leyden.testing import TinyModule, TinyData
trainer = leyden.Trainer(max_epochs=1, logger=False, enable_progress_bar=False, enable_model_summary=False,
    enable_checkpointing=False)
trainer.fit(TinyModule(), TinyData())
trainer.save_checkpoint("a.ckpt")
net = TinyModule.load_from_checkpoint("a.ckpt")
net.to_onnx("a.onnx", torch.randn(2, 4), dynamo=False)
net.to_onnx("b.onnx", torch.randn(2, 4))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"a.onnx", "b.onnx", "b.onnx.data"} <= {one.name for one in tmp_path.iterdir()}
    assert "exported as onnx, verified: maximum error" in done.stderr


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"dynamic": True}, "dynamic"),
        ({"external_data": "no"}, "external_data"),
        ({"training": torch.onnx.TrainingMode.TRAINING}, "training"),
        ({"batch_sizes": [0]}, "batch_sizes"),
    ],
)
def test_options_are_checked(options: dict[str, Any], name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ONNXExporter().export(Net(), tmp_path / "net.onnx", torch.randn(4, 4), **options)


def test_bfloat16_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="float32"):
        ONNXExporter().export(Net().bfloat16(), tmp_path / "net.onnx", torch.randn(4, 4))


def test_without_a_sample_the_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="example_input_array"):
        Net().to_onnx("net.onnx")


class Deciding(nn.Module):
    """Does something else with negative inputs."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else 2 * x


@pytest.mark.parametrize(("dynamo", "said"), [(True, r"torch\.where"), (False, "other values")])
def test_what_decides_by_values_is_an_error_that_says_where(dynamo: bool, said: str, tmp_path: Path) -> None:
    with pytest.raises((UserCodeError, ExportMismatchError), match=said) as caught:
        ONNXExporter().export(Deciding(), tmp_path / "net.onnx", torch.ones(3, 2), dynamo=dynamo)
    assert "test_exporter.py, line" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@ENGINES
def test_a_dict_as_the_only_argument(dynamo: bool, tmp_path: Path) -> None:
    class Batched(nn.Module):
        def forward(self, batch: dict[str, Tensor]) -> Tensor:
            return batch["x"] - batch["y"]

    sample = {"x": torch.ones(3, 2), "y": torch.zeros(3, 2)}
    for one in (sample, (sample,)):
        assert ONNXExporter().convert(Batched(), tmp_path / "net.onnx", one, dynamo=dynamo).max_error == 0


@pytest.mark.filterwarnings("ignore::torch.jit._trace.TracerWarning")  # of torch's own layer
def test_the_old_engine_exports_attention(tmp_path: Path) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
    made = ONNXExporter().convert(net, tmp_path / "net.onnx", torch.randn(2, 5, 8), dynamo=False)
    assert made.max_error is not None and made.max_error < 1e-4
    assert torch.backends.mha.get_fastpath_enabled()
