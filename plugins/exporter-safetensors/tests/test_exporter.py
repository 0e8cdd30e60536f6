from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from leyden.errors import ConfigurationError, ExportMismatchError
from leyden_exporter_safetensors import SafetensorsExporter


class Tied(nn.Module):
    """Two names for one weight, a transposed view, a scalar, and several number formats."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("view", torch.arange(6).reshape(2, 3).T)
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("mask", torch.tensor([True, False]))
        self.register_buffer("small", torch.tensor([1.5, float("nan")], dtype=torch.bfloat16))


def test_every_tensor_comes_back(tmp_path: Path) -> None:
    net = Tied()
    path, report = SafetensorsExporter().export(net, tmp_path / "a.safetensors", metadata={"author": "me"})
    other = Tied()
    other.load_state_dict(load_file(path))
    for name, one in net.state_dict().items():
        assert torch.equal(other.state_dict()[name].nan_to_num(), one.nan_to_num()), name
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "author": "me"}
    assert json.loads(Path(report).read_text())["tensors"] == 8


def test_other_weights_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(path: Any) -> Any:
        found = load_file(path)
        found["first.bias"][0] += 1
        return found

    monkeypatch.setattr("safetensors.torch.load_file", wrong)
    with pytest.raises(ExportMismatchError, match=r"first\.bias"):
        SafetensorsExporter().export(Tied(), tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_tensor_is_refused(tmp_path: Path) -> None:
    class Extra(Tied):
        def get_extra_state(self) -> Any:
            return {"a": 1}

        def set_extra_state(self, state: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="_extra_state"):
        SafetensorsExporter().export(Extra(), tmp_path / "a.safetensors")


def test_metadata_is_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="metadata"):
        SafetensorsExporter().export(Tied(), tmp_path / "a.safetensors", metadata={"epoch": 3})
