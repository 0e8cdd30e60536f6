from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import leyden
from leyden.cli import main
from leyden.testing import TinyData, TinyModule

CLASS = ["--class", "leyden.testing:TinyModule"]


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of the tiny module, and a folder to work in."""
    monkeypatch.chdir(tmp_path)
    trainer = leyden.Trainer(
        max_epochs=1, logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(TinyModule(), TinyData())
    trainer.save_checkpoint("tiny.ckpt")
    torch.save(torch.ones(3, 4), "sample.pt")
    np.save("sample.npy", np.ones((3, 4), "float32"))
    return tmp_path


def wanted() -> torch.Tensor:
    return TinyModule.load_from_checkpoint("tiny.ckpt").eval()(torch.ones(5, 4)).detach()


@pytest.mark.parametrize("sample", ["sample.pt", "sample.npy"])
def test_a_checkpoint_becomes_a_program(
    sample: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "tiny.ckpt", "--format", "torch-export", "--sample", sample, *CLASS]) == 0
    assert torch.allclose(torch.export.load("tiny.pt2").module()(torch.ones(5, 4)), wanted())
    said = capsys.readouterr()
    assert said.out.splitlines() == ["tiny.pt2", "tiny.pt2.json"]


def test_the_checkpoint_names_its_class(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "tiny.ckpt", "--format", "torch-export", "--sample", "sample.pt"]) == 0
    contents = torch.load("tiny.ckpt")
    for name in ("__main__:Net", None):
        contents["leyden"]["module"] = name
        torch.save(contents, "other.ckpt")
        assert main(["export", "other.ckpt", "--format", "torch-export", "--sample", "sample.pt"]) == 2
        assert "--class" in capsys.readouterr().err


def test_to_onnx_with_options(checkpoint: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = ["-o", "out/net.onnx", "-O", "dynamo=False", "-O", 'input_names=["x"]']
    assert main(["export", "tiny.ckpt", "--format", "onnx", "--sample", "sample.pt", *CLASS, *options]) == 0
    session = onnxruntime.InferenceSession("out/net.onnx")
    (found,) = session.run(None, {"x": np.ones((5, 4), "float32")})
    np.testing.assert_allclose(found, wanted(), atol=1e-6)
    assert json.loads(Path("out/net.onnx.json").read_text())["batch_sizes"] == [3, 4, 1]


def test_a_class_in_a_file_of_the_working_directory(checkpoint: Path) -> None:
    Path("mine.py").write_text(
        "import torch\nfrom leyden.testing import TinyModule\nclass Mine(TinyModule):\n"
        "    example_input_array = torch.ones(2, 4)\n"
    )
    options = ["--format", "torch-export", "--class"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "leyden.cli", "export", "tiny.ckpt", *options, "mine:Mine"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("tiny.pt2: exported as torch-export, verified: maximum error ")
    assert main(["export", "tiny.ckpt", *options, "mine.py:Mine"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--class", "TinyModule"], "--class"),
        (["--class", "no_such_package:Model"], "no_such_package"),
        (["--class", "leyden.testing:TinyData"], "a LightningModule"),
        ([*CLASS, "--sample", "tiny.txt"], "tiny.txt"),
        ([*CLASS], "example_input_array"),
        ([*CLASS, "--sample", "sample.pt", "-O", "dynamo=1"], "dynamo"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], said: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tiny.txt").write_text("no tensors")
    assert main(["export", "tiny.ckpt", "--format", "torch-export", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_an_unknown_format_names_the_installed_ones(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "tiny.ckpt", "--format", "onyx", *CLASS]) == 2
    assert "torch-export" in capsys.readouterr().err
